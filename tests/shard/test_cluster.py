"""How a process finds out that it is one of several: the environment alone decides."""

import pytest

from ssl_jax.shard.cluster import Flags, Start, decide, first_host, share, tasks_of_nodes

SLURM = {
    "SLURM_JOB_ID": "5000",
    "SLURM_STEP_ID": "3",
    "SLURM_STEP_NODELIST": "gpu[07-08]",
    "SLURM_NTASKS": "16",
    "SLURM_PROCID": "9",
    "SLURM_LOCALID": "1",
    "SLURM_NODEID": "1",
    "SLURM_STEP_TASKS_PER_NODE": "8(x2)",
}
MPI = {
    "OMPI_COMM_WORLD_SIZE": "4",
    "OMPI_COMM_WORLD_RANK": "3",
    "OMPI_COMM_WORLD_LOCAL_SIZE": "2",
    "OMPI_COMM_WORLD_LOCAL_RANK": "1",
}
URI = {"OMPI_MCA_orte_hnp_uri": "1531576320.0;tcp://10.96.0.1,10.148.0.1:34911"}


def test_a_laptop_is_alone():
    assert decide({"HOME": "/root"}) is None
    assert decide({"HOME": "/root"}, gpus=2) is None


def test_flags_count_before_everything_else():
    flags = Flags("10.0.0.1:99", 3, 2, (0, 1))
    assert decide({**SLURM, **MPI, **URI}, flags, chips=4, gpus=8) == Start("flags", "10.0.0.1:99", 3, 2, (0, 1))


@pytest.mark.parametrize(
    "flags, sentence",
    [
        (Flags(processes=2), "give all three"),
        (Flags("h:1", 2), "give all three"),
        (Flags("h:1", 2, 2), "process 2 is not one of 2"),
        (Flags("h:1", 2, -1), "process -1 is not one of 2"),
        (Flags("host", 2, 0), "write HOST:PORT"),
        (Flags(devices=(0,)), "this one is alone"),
    ],
)
def test_flags_that_do_not_fit_together_are_refused(flags, sentence):
    with pytest.raises(ValueError, match=sentence):
        decide({}, flags)


def test_srun_with_a_task_for_each_gpu():
    # Port: 61440 + (5000 + 3) mod 4096 = 62347. Local task 1 of 8 takes GPU 1 of 8.
    assert decide(SLURM, gpus=8) == Start("slurm", "gpu07:62347", 16, 9, (1,))


def test_srun_with_a_task_for_each_node_takes_all_its_gpus():
    one = {
        **SLURM,
        "SLURM_NTASKS": "2",
        "SLURM_PROCID": "1",
        "SLURM_LOCALID": "0",
        "SLURM_STEP_TASKS_PER_NODE": "1(x2)",
    }
    assert decide(one, gpus=8) == Start("slurm", "gpu07:62347", 2, 1, tuple(range(8)))


def test_a_task_that_was_given_its_own_gpus_counts_them_from_zero():
    assert decide({**SLURM, "SLURM_GPUS_PER_TASK": "1"}, gpus=1).devices == (0,)
    assert decide({**SLURM, "SLURM_GPUS_PER_TASK": "a100:8"}, gpus=8).devices == tuple(range(8))
    assert decide(SLURM, gpus=1).devices == (0,)
    assert decide(SLURM, gpus=0).devices is None


def test_two_steps_of_one_allocation_have_their_own_ports():
    assert decide(SLURM).coordinator != decide({**SLURM, "SLURM_STEP_ID": "4"}).coordinator


def test_sbatch_without_srun_and_srun_with_one_task_are_alone():
    assert decide({k: v for k, v in SLURM.items() if k != "SLURM_STEP_NODELIST"}, gpus=8) is None
    assert decide({**SLURM, "SLURM_NTASKS": "1", "SLURM_PROCID": "0", "SLURM_NODEID": "0"}, gpus=8) is None


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"SLURM_PROCID": "16"}, "process 16 is not one of 16"),
        ({"SLURM_NODEID": "2"}, "SLURM_NODEID=2 is beyond"),
        ({"SLURM_STEP_TASKS_PER_NODE": "eight"}, "is not understood"),
    ],
)
def test_a_slurm_that_contradicts_itself_is_refused(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        decide({**SLURM, **change}, gpus=8)


def test_mpirun_tells_its_address_or_is_told_one():
    # 1531576320 / 4096 = 373920; 373920 mod 4096 = 1184.
    assert decide({**MPI, **URI}, gpus=4) == Start("mpi", "10.96.0.1:62624", 4, 3, (2, 3))
    six = {"OMPI_MCA_orte_hnp_uri": "1531576320.0;tcp6://[fe80::1,fe80::2]:43370"}
    assert decide({**MPI, **six}).coordinator == "fe80::1:62624"
    assert decide({**MPI, "JAX_COORDINATOR_ADDRESS": "head:7"}).coordinator == "head:7"
    with pytest.raises(ValueError, match="JAX_COORDINATOR_ADDRESS"):
        decide(MPI)
    assert decide({**MPI, "OMPI_COMM_WORLD_SIZE": "1", "OMPI_COMM_WORLD_RANK": "0"}) is None


def test_tpus():
    assert decide({"TPU_WORKER_HOSTNAMES": "a,b", "TPU_WORKER_ID": "1"}, chips=4) == Start("gke")
    assert decide({"TPU_WORKER_HOSTNAMES": "a", "MEGASCALE_NUM_SLICES": "2"}, chips=4) == Start("gke")
    assert decide({"TPU_WORKER_HOSTNAMES": "localhost"}, chips=4) is None
    assert decide({}, chips=4) == Start("tpu")
    assert decide({"TPU_SKIP_MDS_QUERY": "1"}, chips=4) is None
    assert decide({"TPU_WORKER_HOSTNAMES": "a,b"}, chips=0) is None, "names without chips are another machine's"


def test_lists_of_hosts_and_tasks():
    assert first_host("node007") == first_host("node007,login") == first_host("node[007-012,020],login") == "node007"
    assert first_host("rack[2,5]-gpu,login") == "rack2-gpu"
    assert tasks_of_nodes("8(x2),4") == [8, 8, 4] and tasks_of_nodes("1") == [1]


def test_gpus_are_shared_in_blocks_without_overlap():
    for visible, tasks in ((8, 8), (8, 4), (8, 2), (6, 3)):
        blocks = [share(visible, tasks, local) for local in range(tasks)]
        assert [gpu for block in blocks for gpu in block] == list(range(visible))
    assert share(8, 1, 0) == tuple(range(8)) and share(0, 4, 2) is None
    with pytest.raises(ValueError, match="8 GPUs cannot be shared by 3 tasks"):
        share(8, 3, 0)
