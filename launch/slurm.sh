# The body of a batch script, below its #SBATCH lines, restart.sh and the values of COMMAND (an array) and RETRIES.
# SLURM tells this shell before it takes the nodes away; srun passes the signal on to all tasks, which save and end.
set -u
restarted srun --kill-on-bad-exit=1 "${COMMAND[@]}"
code=$?
if [ -n "$going" ]; then
  echo "the time of this job is over; the run goes on from the queue"
  scontrol requeue "$SLURM_JOB_ID"
  exit 0
fi
exit "$code"
