"""Files that let a CI deploy an app, wait for it, and end as it does: with curl and jq, and nothing of ours."""

from bakery.model.names import PRODUCTION, AppAt


def github_workflow(where: AppAt, base: str) -> str:
    """Its token is a secret of the repository."""
    return f"""\
name: Deploy
on:
  push:
    branches: [main]
concurrency: deploy-{where.app}-{where.environment}
jobs:
  deploy:
    runs-on: ubuntu-latest
    steps:
      - shell: bash
        env:
          BAKERY_TOKEN: ${{{{ secrets.BAKERY_TOKEN }}}}
        run: |
{_indented(_script(where, base, "$GITHUB_SHA"), 10)}
"""


def gitlab_job(where: AppAt, base: str) -> str:
    """Its token is a masked variable of the project."""
    return f"""\
deploy:
  stage: deploy
  image: alpine:3
  before_script:
    - apk add --no-cache bash curl jq
  rules:
    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH
  resource_group: deploy-{where.app}-{where.environment}
  script:
    - |
      bash <<'END'
{_indented(_script(where, base, "$CI_COMMIT_SHA"), 6)}
      END
"""


def _script(where: AppAt, base: str, commit: str) -> str:
    """The token is in no argument: those are seen by all on a machine."""
    query = "" if where.environment == PRODUCTION else f"?env={where.environment}"
    return f"""\
set -euo pipefail
ask() {{ curl -fsS -H @<(printf 'Authorization: Bearer %s' "$BAKERY_TOKEN") "$@"; }}
deployments={base}/api/apps/{where.app}/deployments
number=$(ask --json '{{"ref": "'"{commit}"'"}}' "$deployments{query}" | jq -r .number)
echo "Deployment #$number of {where.app}"
while sleep 3; do
  found=$(ask "$deployments/$number")
  case $(jq -r .state <<<"$found") in
    queued|running) ;;
    succeeded) echo Succeeded; exit 0 ;;
    superseded) echo "A newer deployment took its place"; exit 0 ;;
    *) jq -r '"\\(.state): \\(.failure) \\(.hint)"' <<<"$found"; exit 1 ;;
  esac
done"""


def _indented(text: str, spaces: int) -> str:
    return "\n".join(f"{' ' * spaces}{line}" for line in text.splitlines())
