#!/usr/bin/env bash
# Show the templates to programs that others wrote, and a mistake in each, which they must find:
# gitlab-ci-local, which has GitLab's schema and runs the job here, on no cluster, for an end that is
# unknown; and npm-groovy-lint, which parses Groovy. Jenkins' own linter needs a Jenkins.
set -euo pipefail
for needed in npm java rsync; do command -v "$needed" >/dev/null || { echo "$needed is not in PATH" >&2; exit 1; }; done
cd "$(dirname "$0")"
bin=$PWD/../../bin
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
npm install --prefix "$work" --no-audit --no-fund --ignore-scripts gitlab-ci-local@4.75.1 npm-groovy-lint@18.0.0 >"$work/npm.log" 2>&1 || { cat "$work/npm.log"; exit 1; }
node=${NODE:-node} # 22.15 or later
PATH=$(dirname "$(command -v "$node")"):$PATH
gitlab() { (cd "$work/repo" && "$node" "$work/node_modules/gitlab-ci-local/dist/index.js" "$@" 2>&1); }
groovy() { "$node" "$work/node_modules/npm-groovy-lint/lib/index.js" --path "$work/jenkins" --files '**/Jenkinsfile' --noserver --failon error 2>&1; }
fail() { echo "FAIL: $*" >&2; exit 1; }
refused() { # refused WHAT OUTPUT-PATTERN COMMAND...
  local said
  if said=$("${@:3}"); then fail "$1 was not found"; fi
  grep -q "$2" <<<"$said" || fail "$1: want $2 in: $said"
}

mkdir "$work/repo" "$work/jenkins"
git init -q "$work/repo"
git -C "$work/repo" remote add origin git@gitlab.example:shop/checkout.git
cat >"$work/repo/aftershock.yaml" <<'END'
apiVersion: aftershock/v1
cluster: {uid: 0b1c2d3e-0000-0000-0000-000000000000}
allow: {namespaces: [shop]}
services:
  checkout: {namespace: shop, workload: deployment/checkout, load: {url: "http://127.0.0.1:1/"}, suites: [pods]}
END
cat >"$work/repo/kubeconfig" <<'END'
apiVersion: v1
kind: Config
clusters: [{name: none, cluster: {server: "http://127.0.0.1:1"}}]
contexts: [{name: none, context: {cluster: none, user: none}}]
users: [{name: none, user: {}}]
current-context: none
END
sed 's/when: always/whenever: always/' gitlab.yaml >"$work/repo/.gitlab-ci.yml"
git -C "$work/repo" add -A
refused "a mistake in gitlab.yaml" "'whenever' property is not expected" gitlab --list
cp gitlab.yaml "$work/repo/.gitlab-ci.yml"
said=$(KUBECONFIG=$work/repo/kubeconfig PATH=$bin:$PATH gitlab --force-shell-executor chaos) || fail "gitlab.yaml: $said"
grep -q 'WARN.* 3' <<<"$said" || fail "unknown is no warning of GitLab's: $said"
echo "ok: gitlab.yaml is of GitLab's schema, and its job ends with a warning where the verdict is unknown"

sed 's/stages {/stages {{/' Jenkinsfile >"$work/jenkins/Jenkinsfile"
refused "a mistake in Jenkinsfile" NglParseError groovy
cp Jenkinsfile "$work/jenkins/Jenkinsfile"
said=$(groovy) || fail "Jenkinsfile: $said"
echo "ok: Jenkinsfile is Groovy; that Jenkins takes its steps was not checked"
