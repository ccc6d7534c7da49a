"""How wide output is."""

from ssl_jax.reporting import terminal


def test_a_pipe_has_a_width_unless_one_is_said(monkeypatch, capsys):
    monkeypatch.delenv("COLUMNS", raising=False)
    assert terminal.output().width == terminal.WIDTH
    terminal.output().print("[red] :smile: " + "word " * 30)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("[red] :smile: word") and 110 < len(lines[0]) <= 120 and len(lines) == 2
    monkeypatch.setenv("COLUMNS", "90")
    assert terminal.output().width == 90
