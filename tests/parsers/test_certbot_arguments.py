from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certaudit.parsers.certbot_arguments import CertbotArguments, parse_arguments


def read(line: str) -> CertbotArguments:
    return parse_arguments(line.split())


def test_the_packaged_call() -> None:
    assert read("-q renew --no-random-sleep-on-renew") == CertbotArguments(
        subcommand="renew", quiet=True, non_interactive=True, no_random_sleep=True
    )


def test_a_call_without_a_verb_is_run() -> None:
    assert parse_arguments([]) == CertbotArguments(subcommand="run")


def test_a_call_with_everything() -> None:
    line = """certonly --manual -d A.example.org,b.example.org. --domain=c.example.org -da.example.org
        --config-dir=/srv/le --logs-dir /srv/log --work-dir /srv/w -c /srv/cli.ini --cert-name a
        --post-hook=x
        --renew-hook y --force-renewal -nvv --keep --expand --server https://ca.example.org/dir
        --no-autorenew --manual-auth-hook"""
    found = parse_arguments([*line.split(), "/opt/add.sh -v"])
    assert found == CertbotArguments(
        subcommand="certonly",
        config_dir="/srv/le",
        work_dir="/srv/w",
        logs_dir="/srv/log",
        config_files=("/srv/cli.ini",),
        cert_name="a",
        domains=("a.example.org", "b.example.org", "c.example.org"),
        server="https://ca.example.org/dir",
        authenticator="manual",
        hooks=(("post", "x"), ("deploy", "y"), ("manual-auth", "/opt/add.sh -v")),
        force=True,
        keep=True,
        expand=True,
        non_interactive=True,
        no_autorenew=True,
    )
    assert found.hook("deploy") == "y"
    assert found.hook("pre") is None


@pytest.mark.parametrize(
    ("line", "subcommand"),
    [
        ("renew", "renew"),
        ("-q --pre-hook x renew", "renew"),
        ("--pre-hook renew -q", "renew"),  # determine_verb takes the first word that is one
        ("auth", "certonly"),
        ("everything", "run"),
        ("certificates", "certificates"),
        ("renew --help", "help"),
        ("help renew", "help"),
        ("--version", "help"),
        ("-d renew.example.org", "run"),
    ],
)
def test_the_verb(line: str, subcommand: str) -> None:
    assert read(line).subcommand == subcommand


@pytest.mark.parametrize("line", ["renew --dry", "renew --dry-ru", "--dry-run renew"])
def test_abbreviations(line: str) -> None:
    found = read(line)
    assert found.dry_run
    assert not found.unknown


@pytest.mark.parametrize(
    "line",
    [
        "renew --no",
        "renew --force",
        "renew extra",
        "renew --frobnicate",
        "renew -Z",
        "renew --dry-run=yes",
        "renew -d",
    ],
)
def test_words_that_argparse_would_refuse(line: str) -> None:
    assert read(line).unknown


@pytest.mark.parametrize(
    ("line", "refused"),
    [
        ("rennew", "the word rennew"),
        ("Renew -n", "the word Renew"),
        ("renew -n extra", "the word extra"),
        ("renew --deploy-hook systemctl reload nginx", "the word reload"),
        ("renew --queit", "--queit; it has --quiet"),
        ("renew --post_hook true", "--post_hook; it has --post-hook"),
        ("renew --non-interative", "--non-interative; it has --non-interactive"),
        ("renew --dryrun", "--dryrun; it has --dry-run"),
        ("renew --renew-hok true", "--renew-hok; it has --renew-hook"),
        ("renew --quiet=1", "a value for --quiet"),
        ("renew --cert-name", "--cert-name without a value"),
        ("renew --pre-hook -n", "--pre-hook without a value"),
        ("renew -d", "-d without a value"),
        ("renew -qc", "-c without a value"),
    ],
)
def test_what_certbot_refuses(line: str, refused: str) -> None:
    """Each was refused, with exit code 2, by certbot 2.1.0 and 5.8.0."""
    assert read(line).refused == refused


@pytest.mark.parametrize(
    "line",
    [
        "renew",
        "renew --quie",  # an abbreviation
        "renew --pre-hoo true",
        "renew --cert-name -",
        "renew --cert-name -1",
        "renew --pre-hook '-x foo'",
        "renew --dns-foo-credentials /etc/foo.ini",  # a plugin's, if there is one
        "renew --unknown-flag",
        "renew --unknown-flag value",
        "renew --domain a.example.org",
        "renew --installers",
        "renew -z",
    ],
)
def test_what_it_takes_or_may_take(line: str) -> None:
    assert parse_arguments(shlex.split(line)).refused is None


@pytest.mark.parametrize(
    ("key", "refused"),
    [
        ("post_hook", "post_hook in its cli.ini; it has --post-hook"),
        ("queit", "queit in its cli.ini; it has --quiet"),
        ("post-hook", None),
        ("dns-foo-credentials", None),
        ("fooo", None),
    ],
)
def test_what_it_refuses_of_a_configuration(key: str, refused: str | None) -> None:
    assert parse_arguments(["renew"], ((key, "true"),)).refused == refused


@pytest.mark.parametrize(
    ("line", "authenticator", "installer"),
    [
        ("--nginx", "nginx", "nginx"),
        ("--webroot -w /var/www", "webroot", None),
        ("-a standalone -i apache", "standalone", "apache"),
        ("--dns-cloudflare --dns-cloudflare-credentials /root/cf.ini", "dns-cloudflare", None),
        ("-a dns-hogehoge --dns-hogehoge-propagation-seconds 60", "dns-hogehoge", None),
    ],
)
def test_plugins(line: str, authenticator: str, installer: str | None) -> None:
    found = read(f"certonly {line}")
    assert (found.authenticator, found.installer, found.unknown) == (authenticator, installer, False)


def test_unknown_words() -> None:
    found = parse_arguments(["renew", None])
    assert (found.subcommand, found.unknown) == ("renew", True)
    found = parse_arguments([None, "-q"])
    assert (found.subcommand, found.unknown) == (None, True)
    found = parse_arguments(["renew", "--cert-name", None])
    assert (found.cert_name, found.unknown) == (None, True)


def test_cli_ini_adds_what_the_command_line_leaves_out() -> None:
    ini = (
        ("deploy-hook", "from-ini"),
        ("dry-run", "true"),
        ("no-directory-hooks", "no"),
        ("config-dir", "/srv/le"),
        ("domains", "a.example.org"),
        ("nginx", "true"),
        ("no-such-option", "1"),
    )
    found = parse_arguments(["renew", "--deploy-hook", "mine"], ini)
    assert found.hooks == (("deploy", "mine"),)
    assert (found.dry_run, found.no_directory_hooks, found.config_dir) == (True, False, "/srv/le")
    assert (found.domains, found.authenticator) == ((), "nginx")
    assert parse_arguments(["certonly"], ini).domains == ("a.example.org",)


WORDS = st.sampled_from(
    ["renew", "-q", "-d", "--", "-", "--cert-name", "--ce", "=", "--x=", "-nd"]
) | st.text(max_size=8)


@given(st.lists(WORDS | st.none(), max_size=8), st.lists(st.tuples(WORDS, WORDS), max_size=3))
def test_any_words_are_a_record(words: list[str | None], ini: list[tuple[str, str]]) -> None:
    found = parse_arguments(words, ini)
    assert None not in words or found.unknown or found.subcommand == "help"
