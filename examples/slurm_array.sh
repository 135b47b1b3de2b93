#!/bin/bash
# Predict for a large file on sixteen nodes at once:
#
#     sbatch slurm_array.sh runs/topics reviews.csv predictions/
#
# Each task of the array does every sixteenth shard. Tasks that fail or run out of time are started again by the same
# command, and do only the shards that are not there yet; another number of tasks is fine, too.
#SBATCH --job-name=zoo-predict
#SBATCH --array=1-16
#SBATCH --cpus-per-task=4
#SBATCH --time=08:00:00
#SBATCH --requeue

export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1}
exec zoo predict "$1" --input "$2" --output "$3/" --shard "$SLURM_ARRAY_TASK_ID/${SLURM_ARRAY_TASK_COUNT:-16}"
