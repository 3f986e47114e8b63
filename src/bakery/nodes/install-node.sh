#!/usr/bin/env bash
# Makes a Debian or Ubuntu a node of Bakery. Run again, it mends what is missing and leaves alone what is there; so it
# may be killed at any moment. It touches nothing but what it names below.
set -euo pipefail

# The key that Bakery logs in with here, the next one while it changes that, and the id of that Bakery. With the helper
# at the end, all that differs from one node's script to another's.
KEY=@KEY@
NEXT_KEY=@NEXT@
INSTALLATION=@INSTALLATION@

AGENT=bakery-agent
AGENT_HOME=/var/lib/bakery/agent
KEYS=$AGENT_HOME/.ssh/authorized_keys
OWNER=/var/lib/bakery/node/installation
HELPER=/usr/local/lib/bakery/helper
SUDO_RULE=/etc/sudoers.d/bakery
# No terminal, no agent, no X11. Tunnels end on this machine, and none begins here: port 1 is not the agent's to open.
RESTRICTIONS='restrict,port-forwarding,permitopen="127.0.0.1:*",permitlisten="127.0.0.1:1"'

usage() {
  cat <<'END'
install-node.sh [--check] [--with postgres] [--take-over]

  --check          only report what is there and what is missing
  --with postgres  install a PostgreSQL server too
  --take-over      the machine belongs to another Bakery, and shall be this one's from now on
END
}

say() { printf '==> %s\n' "$*"; }
fail() {
  printf 'install-node.sh: %s\n' "$*" >&2
  exit 1
}

parse_options() {
  check="" with_postgres="" take_over=""
  while [ $# -gt 0 ]; do
    case "$1" in
      --check) check=yes ;;
      --take-over) take_over=yes ;;
      --with)
        [ "${2-}" = postgres ] || { usage >&2 && exit 2; }
        with_postgres=yes
        shift
        ;;
      --help) usage && exit ;;
      *) usage >&2 && exit 2 ;;
    esac
    shift
  done
}

# os_release NAME: what the system says of itself, in a file of assignments.
os_release() (
  # shellcheck source=/dev/null
  . /etc/os-release
  printf '%s' "${!1-}"
)

system() { printf '%s %s' "$(os_release ID)" "$(os_release VERSION_ID)"; }

expect_known_system() {
  case "$(system)" in
    "debian 12" | "debian 13" | "ubuntu 22.04" | "ubuntu 24.04") ;;
    *) fail "this is $(os_release PRETTY_NAME). A node of Bakery is a Debian 12 or 13, or an Ubuntu 22.04 or 24.04." ;;
  esac
}

# Packages

# A line for each thing that is needed: the package that brings it, then what else may have brought it.
needed_packages() {
  cat <<'END'
docker.io docker-ce docker-ee moby-engine
postgresql-client postgresql-client-[0-9]*
git
curl
ca-certificates
build-essential
nginx nginx-light nginx-core nginx-full nginx-extras
certbot /snap/bin/certbot
python3-certbot-dns-rfc2136 /snap/bin/certbot
sudo sudo-ldap
python3
END
  # From Debian 13 on, Docker's client is a package of its own.
  [ "$(system)" != "debian 13" ] || echo "docker-cli docker-ce-cli docker-ee-cli moby-cli"
  # Without its tools, Docker starts no container under a kernel that has AppArmor.
  ! grep -qsx Y /sys/module/apparmor/parameters/enabled || echo apparmor
  [ -z "$with_postgres" ] || echo "postgresql postgresql-[0-9]*"
}

missing_packages() {
  local choices
  while read -ra choices; do
    is_installed "${choices[@]}" || printf '%s\n' "${choices[0]}"
  done < <(needed_packages)
}

# is_installed CHOICE…: a package, a pattern of packages, or a program's path.
is_installed() {
  local choice
  for choice; do
    case "$choice" in
      /*) [ ! -x "$choice" ] || return 0 ;;
      *) ! states_of "$choice" | grep --line-regexp installed >/dev/null || return 0 ;;
    esac
  done
  return 1
}

# shellcheck disable=SC2016 # it is dpkg-query that fills this in
states_of() { dpkg-query --show --showformat='${db:Status-Status}\n' "$1" 2>/dev/null; }

# Whether nothing that was begun to be installed is still to be finished.
is_dpkg_in_order() { [ -z "$(dpkg --audit 2>&1)" ] && [ -z "$(ls /var/lib/dpkg/updates)" ]; }

is_packages() { [ -z "$(missing_packages)" ] && is_dpkg_in_order; }

make_packages() {
  local missing log=$work/apt.log
  mapfile -t missing < <(missing_packages)
  printf '    installing %s, which takes a minute or two\n' "${missing[*]:-what was begun}"
  wait_for_other_installers
  # Where another source than ours is broken, this fails; what counts is whether the packages come.
  apt_get update >>"$log" 2>&1 || true
  is_dpkg_in_order || finish_what_was_begun >>"$log" 2>&1
  is_dpkg_in_order || fail "dpkg was interrupted once and cannot be mended; see: dpkg --audit. It said:
$(tail -n 5 "$log")"
  mapfile -t missing < <(missing_packages)
  [ ${#missing[@]} -eq 0 ] || apt_get install --no-install-recommends "${missing[@]}" >>"$log" 2>&1 ||
    fail "these packages could not be installed: ${missing[*]}. apt-get said:
$(tail -n 5 "$log")"
}

finish_what_was_begun() {
  DEBIAN_FRONTEND=noninteractive dpkg --force-confdef --force-confold --configure --pending </dev/null 9>&- || true
  apt_get install --fix-broken || true
}

# Nothing is removed for ours, no question is asked, and nothing of others is restarted.
apt_get() {
  DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=yes apt-get --quiet --quiet --yes --no-remove \
    --option DPkg::Lock::Timeout=300 --option Dpkg::Options::=--force-confdef --option Dpkg::Options::=--force-confold \
    "$@" </dev/null 9>&-
}

# A new machine often installs its updates while somebody logs in for the first time.
wait_for_other_installers() {
  local lock deadline=$((SECONDS + 300))
  for lock in /var/lib/apt/lists/lock /var/cache/apt/archives/lock /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock; do
    while is_locked "$lock"; do
      [ "$SECONDS" -lt "$deadline" ] ||
        fail "another program has been installing packages for five minutes. Run this again when it has ended."
      sleep 1
    done
  done
}

is_locked() { [ -e "$1" ] && grep -qs ":$(stat --format=%i "$1") " /proc/locks; }

# The user that Bakery logs in as: no password, but not locked either, which sshd would take for "may not come in".

is_agent() {
  local home shell
  IFS=: read -r _ _ _ _ _ home shell < <(getent passwd "$AGENT") || return 1
  [ "$home" = "$AGENT_HOME" ] && [ "$shell" = /bin/sh ] && [ "$(id --groups --name "$AGENT")" = "$AGENT" ] &&
    [ "$(getent shadow "$AGENT" | cut --delimiter=: --fields=2)" = "*" ]
}

make_agent() {
  local attributes=(--gid "$AGENT" --home-dir "$AGENT_HOME" --shell /bin/sh --password "*")
  getent group "$AGENT" >/dev/null || groupadd --system "$AGENT"
  getent passwd "$AGENT" >/dev/null || useradd --system --no-create-home "${attributes[@]}" "$AGENT"
  getent shadow "$AGENT" >/dev/null || pwconv # killed between two files
  is_agent || usermod --gid "$AGENT" --home "$AGENT_HOME" --shell /bin/sh --password "*" --groups "" "$AGENT"
}

# Folders. The agent's own are not the agent's to write, so that it cannot let others in.

folders() {
  cat <<END
/var/lib/bakery root:root 755
/var/lib/bakery/node root:root 755
/var/lib/bakery/node/jobs root:root 711
$AGENT_HOME root:$AGENT 750
$AGENT_HOME/.ssh root:$AGENT 750
/usr/local/lib/bakery root:root 755
END
}

is_folders() {
  local path owner mode
  while read -r path owner mode; do
    is_folder "$path" "$owner" "$mode" || return 1
  done < <(folders)
}

make_folders() {
  local path owner mode
  while read -r path owner mode; do
    is_folder "$path" "$owner" "$mode" ||
      install --directory --owner="${owner%:*}" --group="${owner#*:}" --mode="$mode" "$path"
  done < <(folders)
}

is_folder() { [ -d "$1" ] && [ "$(stat --dereference --format='%U:%G %a' "$1")" = "$2 $3" ]; }

# Files are prepared in $work, compared, written beside their place and moved there: complete, or as they were.

# is_file PATH OWNER MODE: whether it is like the prepared one.
is_file() {
  [ -f "$1" ] && [ ! -L "$1" ] && [ "$(stat --format='%U:%G %a' "$1")" = "$2 $3" ] && cmp --quiet "$1" "$(prepared "$1")"
}

make_file() {
  install --owner="${2%:*}" --group="${2#*:}" --mode="$3" "$(prepared "$1")" "$1.new"
  sync "$1.new"
  mv --force --no-target-directory "$1.new" "$1"
}

prepared() { printf '%s/%s' "$work" "${1//\//_}"; }

prepare_files() {
  allowed_keys >"$(prepared "$KEYS")"
  printf '%s\n' "$INSTALLATION" >"$(prepared "$OWNER")"
  helper_program >"$(prepared "$HELPER")"
  sudo_rule >"$(prepared "$SUDO_RULE")"
}

# While Bakery changes its key, the next one stands in a line that ends with bakery-next. No line that was there stays:
# whoever had the agent's key may have let another in.
allowed_keys() {
  printf '%s %s bakery\n' "$RESTRICTIONS" "$KEY"
  [ -z "$NEXT_KEY" ] || printf '%s %s bakery-next\n' "$RESTRICTIONS" "$NEXT_KEY"
}

is_key() { is_file "$KEYS" "root:$AGENT" 640; }
make_key() { make_file "$KEYS" "root:$AGENT" 640; }

is_owner() { is_file "$OWNER" root:root 644; }
make_owner() { make_file "$OWNER" root:root 644; }

other_owner() { [ ! -s "$OWNER" ] || grep --invert-match --line-regexp --fixed-strings "$INSTALLATION" "$OWNER" || true; }

expect_no_other_owner() {
  local other
  other=$(other_owner)
  [ -z "$other" ] || [ -n "$take_over" ] ||
    fail "this machine belongs to another Bakery, the installation $other. If it shall be this one's, run this again with --take-over."
}

is_helper() { is_file "$HELPER" root:root 755; }
make_helper() { make_file "$HELPER" root:root 755; }

# What a job gets on stdin may be secret, so sudo records neither that nor the answer.
sudo_rule() {
  cat <<END
# Written by Bakery's install-node.sh, and again when it runs again.
Defaults!$HELPER !requiretty, !use_pty, !log_input, !log_output, env_reset
$AGENT ALL=(root) NOPASSWD: $HELPER
END
}

is_sudo_rule() { is_file "$SUDO_RULE" root:root 440; }

make_sudo_rule() {
  visudo --check --quiet --file="$(prepared "$SUDO_RULE")" || fail "sudo does not accept the rule that was to be written."
  make_file "$SUDO_RULE" root:root 440
}

does_helper_answer() { runuser -u "$AGENT" -- sudo --non-interactive "$HELPER" version >"$work/answer" 2>&1; }

expect_helper_answers() {
  say "Asking the helper, as $AGENT"
  does_helper_answer || fail "$AGENT cannot run $HELPER through sudo. Does /etc/sudoers include /etc/sudoers.d? It said:
$(tail -n 5 "$work/answer")"
}

# The machine's own services and settings: what stands in Bakery's way there is told, not changed.

troubles() {
  service_troubles
  ssh_troubles
}

service_troubles() {
  local service
  [ -d /run/systemd/system ] || {
    echo "This machine does not run systemd, which keeps apps running."
    return
  }
  for service in docker nginx; do
    systemctl is-active --quiet "$service" || echo "$service does not run. See: systemctl status $service"
  done
}

ssh_troubles() {
  local settings
  command -v sshd >/dev/null || {
    echo "There is no SSH server. Fix: apt-get install openssh-server"
    return
  }
  settings=$(sshd -T -C "user=$AGENT,host=localhost,addr=127.0.0.1" 2>/dev/null) || {
    echo "sshd does not accept its own configuration. See: sshd -t"
    return
  }
  is_listed "$AGENT" allowusers yes ||
    echo "AllowUsers keeps $AGENT out. Fix: add $AGENT to it in /etc/ssh/sshd_config, then: systemctl reload ssh"
  is_listed "$AGENT" allowgroups yes ||
    echo "AllowGroups keeps $AGENT out. Fix: add its group $AGENT to it in /etc/ssh/sshd_config, then: systemctl reload ssh"
  ! is_listed "$AGENT" denyusers no || echo "DenyUsers keeps $AGENT out. Fix: take it out there, then: systemctl reload ssh"
  ! is_listed "$AGENT" denygroups no || echo "DenyGroups keeps $AGENT out. Fix: take it out there, then: systemctl reload ssh"
  ! has_setting "pubkeyauthentication no" ||
    echo "Keys are not accepted. Fix: set PubkeyAuthentication yes for $AGENT, then: systemctl reload ssh"
  has_setting "authenticationmethods (any|(.* )?publickey( .*)?)" ||
    echo "A key alone is not enough. Fix: set AuthenticationMethods publickey for $AGENT, then: systemctl reload ssh"
  has_setting "authorizedkeysfile (.* )?(%h/)?\.ssh/authorized_keys( .*)?" ||
    echo "$KEYS is not read. Fix: set AuthorizedKeysFile .ssh/authorized_keys for $AGENT, then: systemctl reload ssh"
  ! has_setting "(allowtcpforwarding (no|remote)|disableforwarding yes)" ||
    echo "Tunnels are refused. Fix: set AllowTcpForwarding local for $AGENT, then: systemctl reload ssh"
}

# is_listed NAME SETTING WHEN-EMPTY: whether a list of patterns holds the name, or WHEN-EMPTY when there is no such list.
is_listed() {
  local pattern answer=$3
  while read -r pattern; do
    # shellcheck disable=SC2053 # a pattern is wanted
    [[ "$1" != ${pattern%%@*} ]] || return 0
    answer=no
  done < <(sed --quiet "s/^$2 //p" <<<"$settings")
  [ "$answer" = yes ]
}

has_setting() { grep --quiet --extended-regexp "^$1\$" <<<"$settings"; }

# What is to be done, and what is there

# step NAME TITLE: make_NAME, unless is_NAME.
step() {
  say "$2"
  if "is_$1"; then
    echo "    already so"
  else
    changed=yes
    "make_$1"
  fi
}

install_all() {
  changed=""
  exec 9>/run/bakery-install-node.lock
  flock --nonblock 9 || fail "it runs already. Wait for its end."
  expect_no_other_owner
  step packages "Packages"
  step agent "User $AGENT"
  step folders "Folders"
  prepare_files
  step owner "Whose node this is"
  step helper "Helper $HELPER"
  step sudo_rule "Rule $SUDO_RULE"
  step key "Key of Bakery"
  expect_helper_answers
  tell_what_is_next
}

tell_what_is_next() {
  local found
  found=$(troubles)
  [ -n "$changed" ] || echo "Nothing had to be changed."
  if [ -n "$found" ]; then
    printf '%s\n' "$found" >&2
    echo "All is installed, but Bakery cannot use this machine before that is mended."
  else
    echo "Ready: Bakery can come in now. Its page of this node turns online when you press Verify."
  fi
}

check_all() {
  local line choices complete=yes
  prepare_files
  while read -ra choices; do
    report "package ${choices[0]}" is_installed "${choices[@]}"
  done < <(needed_packages)
  report "every installation of a package is finished" is_dpkg_in_order
  report "user $AGENT" is_agent
  report "folders" is_folders
  report "key of Bakery" is_key
  report "helper" is_helper
  report "rule for sudo" is_sudo_rule
  report "helper answers through sudo" does_helper_answer
  report "machine of this Bakery$(other_owner | sed 's/^/, but it belongs to /')" is_owner
  while read -r line; do
    report "$line" false
  done < <(troubles)
  [ -n "$complete" ]
}

# report ITEM TEST…
report() {
  local item=$1
  shift
  if "$@"; then
    printf 'ok       %s\n' "$item"
  else
    printf 'missing  %s\n' "$item"
    complete=""
  fi
}

main() {
  parse_options "$@"
  export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
  umask 022
  [ "$(id -u)" -eq 0 ] || fail "only root can install. Run it with sudo: sudo bash install-node.sh"
  expect_known_system
  work=$(mktemp --directory)
  trap 'rm -rf "$work"' EXIT
  if [ -n "$check" ]; then
    check_all
  else
    install_all
  fi
}

helper_program() { base64 --decode <<<@HELPER@; }

# In braces, and last: of a download that was cut off, nothing runs.
{ main "$@"; }
