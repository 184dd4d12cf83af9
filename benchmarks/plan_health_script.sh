#!/usr/bin/env bash
# What the plan's own health script does, to be measured against: four requests, one after the other.
# Usage: plan_health_script.sh FRONTEND BACKEND API.  Like the original it looks at two status codes and two words.
frontend=$(curl -s -o /dev/null -w '%{http_code}' "$1/health")
backend=$(curl -s -o /dev/null -w '%{http_code}' "$2/health")
database=$(curl -s "$3/health/db" | grep -o '"status":"[a-z]*"' | head -n 1)
pam=$(curl -s "$3/health/pam" | grep -o '"status":"[a-z]*"' | head -n 1)
echo "frontend $frontend, backend $backend, database $database, pam $pam"
[[ $frontend == 200 && $backend == 200 && $database == *healthy* && $pam == *healthy* ]]
