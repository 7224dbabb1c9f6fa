"""The options of certbot's command line, as data: the union of certbot 0.9 to 5.1 and its own plugins.

Law: names only, without leading dashes, each with the name under which ``CertbotArguments`` keeps it;
``IGNORED`` where it says nothing of what is renewed, when, or what follows.
"""

from __future__ import annotations

from collections.abc import Mapping

IGNORED = "IGNORED"

_VERBS = """
certonly run install plugins register unregister update_account show_account renew revoke rollback
update_symlinks certificates delete enhance reconfigure config_changes rename
"""
_KEPT_FLAGS = """
dry-run quiet expand duplicate staging force-interactive renew-with-new-domains break-my-certs
no-random-sleep-on-renew no-directory-hooks no-autorenew run-deploy-hooks help version
disable-hook-validation
"""
_OTHER_FLAGS = """
verbose text preconfigured-renewal register-unsafely-without-email eff-email no-eff-email reuse-key
no-reuse-key new-key allow-subset-of-names agree-tos debug debug-challenges
no-verify-ssl must-staple redirect no-redirect hsts no-hsts uir no-uir staple-ocsp no-staple-ocsp
strict-permissions disable-renew-updates os-packages-only no-self-upgrade
no-bootstrap no-permissions-check auto-hsts delete-after-revoke no-delete-after-revoke
init prepare authenticators installers manual-public-ip-logging-ok
"""
_PLUGINS = """
apache nginx standalone manual webroot dns-cloudflare dns-cloudxns dns-digitalocean dns-dnsimple
dns-dnsmadeeasy dns-gehirn dns-google dns-linode dns-luadns dns-nsone dns-ovh dns-rfc2136 dns-route53
dns-sakuracloud
"""
_KEPT_VALUES = """
config-dir work-dir logs-dir cert-name server authenticator installer configurator csr pre-hook
post-hook deploy-hook manual-auth-hook manual-cleanup-hook max-log-backups
"""
_OTHER_VALUES = """
verbose-level eab-kid eab-hmac-key eab-hmac-alg email account http-01-port http-01-address https-port
rsa-key-size key-type elliptic-curve required-profile
preferred-profile preferred-chain preferred-challenges issuance-timeout user-agent
user-agent-comment reason checkpoints cert-path key-path fullchain-path chain-path webroot-path
webroot-map ip-address
nginx-server-root nginx-ctl nginx-sleep-seconds apache-enmod apache-dismod apache-le-vhost-ext
apache-server-root apache-vhost-root apache-logs-root apache-challenge-location apache-ctl apache-bin
apache-handle-modules apache-handle-sites
"""
_GONE_FLAGS = """
agree-dev-preview install-only manual-test-mode le-auto-phase2 update-registration
"""
_GONE_VALUES = """
tls-sni-01-port tls-sni-01-address standalone-supported-challenges updated-cert-name new-cert-name
"""

VERBS: Mapping[str, str] = {
    **{verb: verb for verb in _VERBS.split()},
    "auth": "certonly",
    "everything": "run",
}
PLUGINS = frozenset(_PLUGINS.split())
FLAGS: Mapping[str, str] = {
    **{name: name.replace("-", "_") for name in _KEPT_FLAGS.split()},
    **dict.fromkeys(("test-cert",), "staging"),
    **dict.fromkeys(("non-interactive", "noninteractive"), "non_interactive"),
    **dict.fromkeys(("keep-until-expiring", "keep", "reinstall"), "keep"),
    **dict.fromkeys(("force-renewal", "renew-by-default"), "force"),
    **dict.fromkeys((*_OTHER_FLAGS.split(), *_GONE_FLAGS.split()), IGNORED),
    **{name: name for name in PLUGINS},
}
VALUES: Mapping[str, str] = {
    **{name: name.replace("-", "_") for name in _KEPT_VALUES.split()},
    **dict.fromkeys(("domains", "domain"), "domains"),
    "config": "config_file",
    "renew-hook": "deploy_hook",
    **dict.fromkeys((*_OTHER_VALUES.split(), *_GONE_VALUES.split()), IGNORED),
}
# The long options of releases since 1.0, among which an abbreviation must be the only match.
LONG = tuple(sorted({*FLAGS, *VALUES} - {*_GONE_FLAGS.split(), *_GONE_VALUES.split()}))
# Options that later releases refuse, each with the oldest of those that was seen to. (The first may be
# gone since 1.0; 2.11.0 still takes the last.)
DROPPED: Mapping[str, tuple[int, int, int]] = {
    **dict.fromkeys((*_GONE_FLAGS.split(), *_GONE_VALUES.split()), (2, 1, 0)),
    "manual-public-ip-logging-ok": (3, 0, 0),
}
SHORT: Mapping[str, str] = {
    "h": "help",
    "c": "config",
    "v": "verbose",
    "t": "text",
    "n": "non-interactive",
    "d": "domains",
    "m": "email",
    "q": "quiet",
    "a": "authenticator",
    "i": "installer",
    "w": "webroot-path",
}
