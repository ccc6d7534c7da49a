"""`ssl-jax launch … --dry-run` prints what a person could paste; these are the texts."""

import subprocess

import pytest

from ssl_jax.cli import main
from ssl_jax.launching import command

TPU = ("--type=v5litepod-16", "--zone=us-west4-a", "--workdir=gs://bucket/runs/r50", "--code=/src")
RUN = ("--config=simclr_imagenet_r50", "--config.batch=4096", "--config.duration=100 epochs")
SENT = """\
# pack the code
tar -czf /tmp/ssl_jax-r50/code.tar.gz --exclude=./.git '--exclude=./.venv*' --exclude=./runs --exclude=./build \
--exclude=./dist '--exclude=./*.egg-info' --exclude=__pycache__ -C /src .
# send it
gcloud storage cp /tmp/ssl_jax-r50/code.tar.gz gs://bucket/runs/r50/launch/files/code.tar.gz
"""
COMMON = "--scopes=https://www.googleapis.com/auth/cloud-platform"


@pytest.fixture
def printed(capsys, monkeypatch):
    """A function: arguments -> what is printed. Nothing may be run."""
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: pytest.fail(f"a dry run has run {a}"))
    monkeypatch.setattr(subprocess, "Popen", lambda *a, **k: pytest.fail(f"a dry run has run {a}"))
    monkeypatch.setattr("tempfile.gettempdir", lambda: "/tmp")

    def call(*arguments: str, code: int = 0) -> str:
        assert main.main(["launch", *arguments, "--dry-run"]) == code
        out = capsys.readouterr()
        return out.err if code else out.out

    return call


def test_a_queued_tpu(printed):
    text, _, script = printed("tpu", *TPU, *RUN, "--spot").partition("\n# /tmp/ssl_jax-r50/startup.sh\n")
    assert text == SENT + (
        "# forget the exit codes of an earlier TPU\n"
        "gcloud storage rm --recursive gs://bucket/runs/r50/launch/exits || true\n"
        "# ask for the TPU; its workers start the run by themselves\n"
        "gcloud compute tpus queued-resources create r50 --node-id=r50 --runtime-version=v2-alpha-tpuv5-lite "
        "--accelerator-type=v5litepod-16 --zone=us-west4-a "
        f"--metadata-from-file=startup-script=/tmp/ssl_jax-r50/startup.sh {COMMON} --spot\n"
        "# how far the request is\n"
        "gcloud compute tpus queued-resources describe r50 --zone=us-west4-a '--format=value(state.state)'\n"
        "# what worker 0 has printed\n"
        "gcloud compute tpus tpu-vm ssh r50 --zone=us-west4-a --worker=0 "
        "'--command=sudo tail -c +1 /opt/ssl_jax/run.log' || true\n"
        "# the exit codes of the workers that have ended\n"
        "gcloud storage cat 'gs://bucket/runs/r50/launch/exits/*' || true\n"
        "# give the TPU back\n"
        "gcloud compute tpus queued-resources delete r50 --force --zone=us-west4-a --quiet\n"
    )
    assert script.startswith(
        "#!/usr/bin/env bash\n"
        "STAGE=gs://bucket/runs/r50/launch\n"
        "COMMAND=(ssl-jax train --config=simclr_imagenet_r50 --workdir=gs://bucket/runs/r50 --config.batch=4096 "
        "'--config.duration=100 epochs')\n"
        "RETRIES=3\n"
    )


def creation(text: str) -> str:
    return next(line for line in text.splitlines() if " create " in line)


def test_several_slices_of_a_reservation(printed):
    text = printed("tpu", *TPU, *RUN, "--slices=2", "--reserved", "--project=p", "--network=n", "--retries=9")
    assert creation(text) == (
        "gcloud compute tpus queued-resources create r50 --node-count=2 --node-prefix=r50 "
        "--runtime-version=v2-alpha-tpuv5-lite --accelerator-type=v5litepod-16 --zone=us-west4-a --project=p "
        f"--metadata-from-file=startup-script=/tmp/ssl_jax-r50/startup.sh {COMMON} --network=n --reserved"
    )
    assert "tpu-vm ssh r50-0 --zone=us-west4-a --project=p --worker=0" in text and "RETRIES=9\n" in text


def test_a_tpu_vm_at_once(printed):
    arguments = ("--type=v6e-8", *TPU[1:], *RUN, "--no-queue", "--name=now")
    text = printed("tpu", *arguments)
    assert creation(text) == (
        "gcloud compute tpus tpu-vm create now --version=v2-alpha-tpuv6e --accelerator-type=v6e-8 --zone=us-west4-a "
        f"--metadata-from-file=startup-script=/tmp/ssl_jax-now/startup.sh {COMMON}"
    )
    assert "tpu-vm describe now --zone=us-west4-a '--format=value(state)'" in text
    assert printed("tpu", *arguments, "--down") == (
        "# give the TPU back\ngcloud compute tpus tpu-vm delete now --zone=us-west4-a --quiet\n"
    )


def test_a_recipe_that_is_a_file_travels(printed):
    text = printed("tpu", *TPU, "--config=/home/me/mine.py:large")
    assert "gcloud storage cp /home/me/mine.py gs://bucket/runs/r50/launch/files/mine.py\n" in text
    assert "COMMAND=(ssl-jax train --config=/opt/ssl_jax/mine.py:large --workdir=" in text


def test_gke(printed):
    on = "--cluster=c --zone=us-west4-a --project=p"
    arguments = ("gke", *TPU, *RUN, "--cluster=c", "--project=p", "--slices=4")
    queue = (
        f"# put the run into the queue\nxpk workload create {on} --workload=r50 --tpu-type=v5litepod-16 --num-slices=4 "
        "%s--max-restarts=50 --restart-on-exit-codes=1,4,74,75 --termination-grace-period-seconds=120 '--command=%s"
        "ssl-jax train --config=simclr_imagenet_r50 --workdir=gs://bucket/runs/r50 --config.batch=4096 "
    )
    rest = (
        "# wait for the end (Ctrl-C ends the waiting, not the run)\n"
        f"xpk workload list {on} --wait-for-job-completion=r50\n"
        "# what process 0 prints\n"
        "kubectl logs --follow --tail=-1 --selector=jobset.sigs.k8s.io/jobset-name=r50,"
        "batch.kubernetes.io/job-completion-index=0,jobset.sigs.k8s.io/job-index=0\n"
        "# take the run out of the cluster\n"
        f"xpk workload delete {on} --workload=r50 --force\n"
    )
    made = printed(*arguments, "--make-cluster", "--spot")
    create = f"# make the cluster\nxpk cluster create {on} --tpu-type=v5litepod-16 --num-slices=4 --spot\n"
    base = "--base-docker-image=python:3.12 --script-dir=/src "
    assert made.startswith(create + queue % (base, "pip install -q '\"'\"'.[tpu]'\"'\"' && ")) and made.endswith(rest)
    given = printed(*arguments, "--image=gcr.io/p/i:1", "--reserved=res", "--make-cluster")
    assert "--num-slices=4 --reservation=res\n" in given
    assert queue % ("--docker-image=gcr.io/p/i:1 ", "") in given


def test_slurm(printed):
    arguments = ("slurm", "--workdir=/scratch/r50", "--name=r50", *RUN, "--nodes=4", "--sbatch=--partition=a100")
    head = (
        "# put the run into the queue\nsbatch --parsable r50.sbatch\n\n# r50.sbatch\n#!/usr/bin/env bash\n"
        "#SBATCH --job-name=r50\n#SBATCH --nodes=4\n#SBATCH --ntasks-per-node=%d\n#SBATCH --gres=gpu:8\n"
        "#SBATCH --time=24:00:00\n#SBATCH --signal=B:TERM@180\n#SBATCH --requeue\n#SBATCH --open-mode=append\n"
        "#SBATCH --output=r50-%%j.log\n#SBATCH --partition=a100\n"
        "COMMAND=(ssl-jax train --config=simclr_imagenet_r50 --workdir=/scratch/r50 --config.batch=4096 "
        "'--config.duration=100 epochs')\nRETRIES=3\n"
    )
    assert printed(*arguments).startswith(head % 8)
    assert printed(*arguments, "--tasks=node").startswith(head % 1)


def test_processes_here(printed, monkeypatch):
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    monkeypatch.setattr("sys.executable", "python")
    text = printed("local", "--processes=2", "--workdir=runs/q", "--config=quickstart", "--config.lr=0.1")
    assert text == "".join(
        f"# process {i}\npython -m ssl_jax train --config=quickstart --workdir=runs/q "
        f"--config.lr=0.1 --coordinator=127.0.0.1:12421 --processes=2 --process={i}\n"
        for i in range(2)
    )


def test_gpus_here_are_shared(printed, monkeypatch):
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3")
    text = printed("local", "--processes=2", "--workdir=runs/q", "--config=quickstart")
    assert "--process=0 --local-devices=0,1\n" in text and "--process=1 --local-devices=2,3\n" in text


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (("tpu", "--workdir=runs/r50", *RUN), "the workers need a bucket: gs://BUCKET/r50"),
        (("tpu", "--workdir=gs://b/r50", *RUN), "`ssl-jax launch tpu` needs --type and --zone"),
        (("tpu", *TPU, *RUN, "--name=R_50"), "use up to 39 small letters"),
        (("tpu", *TPU[1:], *RUN, "--type=tpu7x-16"), "use `ssl-jax launch gke`"),
        (("tpu", *TPU[1:], *RUN, "--type=v5e-16"), "say v5litepod-16"),
        (("tpu", *TPU, *RUN, "--slices=2", "--no-queue"), "several slices come from the queue only"),
        (("gke", *TPU, *RUN), "needs --cluster"),
        (("gke", *TPU, *RUN, "--cluster=c", "--reserved"), "--reserved=NAME"),
        (("gke", *TPU, "--config=/home/me/mine.py", "--cluster=c"), "does not travel with the image"),
        (("slurm", "--workdir=/w", "--name=r", *RUN, "--nodes=0"), "--nodes=0"),
        (("slurm", "--workdir=/w", "--name=r", *RUN, "--down"), "scancel"),
        (("local", "--workdir=/w", *RUN, "--processes=0"), "--processes=0"),
    ],
)
def test_what_cannot_be_is_one_sentence(printed, arguments, sentence):
    assert sentence in printed(*arguments, code=2)


def test_a_program_that_is_not_there_is_named(monkeypatch):
    with pytest.raises(ValueError, match="'no-such-program' is not installed here"):
        command.execute(command.Command("try", ("no-such-program",)))
    with pytest.raises(ValueError, match="failed: this is why"):
        command.execute(command.Command("try", ("sh", "-c", "echo first >&2; echo this is why >&2; exit 3")))
