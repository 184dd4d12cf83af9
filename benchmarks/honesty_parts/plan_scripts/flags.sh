#!/usr/bin/env bash
# The plan's feature-flag rollback as written. Usage: flags.sh API ADMIN_TOKEN
curl -s -X POST "$1/admin/feature-flags" \
  -H "Authorization: Bearer $2" -H "Content-Type: application/json" \
  -d '{
    "PAM_ENHANCED_UI": {"enabled": false, "rolloutPercentage": 0},
    "PAM_VOICE_FEATURES": {"enabled": false, "rolloutPercentage": 0},
    "PAM_PERFORMANCE_OPTIMIZATIONS": {"enabled": false, "rolloutPercentage": 0}
  }'
