"""Exit codes: what a supervisor must not try again, and what it must."""

import pathlib

import pytest

from ssl_jax.cli import main
from ssl_jax.cli.verbs import methods
from ssl_jax.process import exits

FULL = pathlib.Path("/dev/full")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ValueError("batch=0"), exits.BAD_INPUT),
        (FileNotFoundError(2, "No such file or directory", "photos"), exits.BAD_INPUT),
        (PermissionError(13, "Permission denied", "runs"), exits.BAD_INPUT),
        (ConnectionResetError(104, "Connection reset by peer"), exits.IO_FAILED),
        (OSError(5, "Input/output error"), exits.IO_FAILED),
        (TimeoutError("process 1 of 2 did not come"), exits.PEERS_MISSING),
        (exits.Unhealthy("the loss is not finite"), exits.UNHEALTHY),
        (KeyError("a mistake of ours"), None),
    ],
)
def test_each_kind_of_error_has_its_code(error, code):
    assert exits.of(error) == code
    assert (code in exits.FINAL) == (code in (2, 3))


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_may_be_tried_again(monkeypatch, capsys):
    monkeypatch.setattr(methods, "run", lambda args: FULL.write_text("a row of metrics"))
    assert main.main(["methods"]) == exits.IO_FAILED
    assert capsys.readouterr().err == "ssl-jax: [Errno 28] No space left on device\n"


def test_a_mistake_of_ours_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr(methods, "run", lambda args: {}["missing"])
    with pytest.raises(KeyError):
        main.main(["methods"])
