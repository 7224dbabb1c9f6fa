from __future__ import annotations

from pathlib import Path

from certaudit.host.root import Root
from certaudit.sources.references import find_references

LIVE = "/etc/letsencrypt/live/a/fullchain.pem"
COPY = "/etc/ssl/site/a.pem"


def put(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def found(root: Path, *wanted: str) -> list[tuple[str, str, str, int | None]]:
    references, gaps = find_references(Root(root), wanted or (LIVE, COPY))
    assert gaps == ()
    return [(r.consumer, r.path, r.evidence.where, r.evidence.line) for r in references]


def test_each_consumer_names_a_file_its_own_way(tmp_path: Path) -> None:
    put(tmp_path, "etc/nginx/nginx.conf", f"http {{\n  ssl_certificate {LIVE};\n}}\n")
    put(tmp_path, "etc/postfix/main.cf", f"smtpd_tls_chain_files =\n  {COPY}, /etc/other.pem\n")
    put(tmp_path, "etc/dovecot/conf.d/10-ssl.conf", f"ssl_cert = <{COPY}\n")
    put(tmp_path, "etc/apache2/apache2.conf", f'SSLCertificateFile "{COPY}"\n')
    assert found(tmp_path) == [
        ("nginx", LIVE, "/etc/nginx/nginx.conf", 2),
        ("apache", COPY, "/etc/apache2/apache2.conf", 1),
        ("postfix", COPY, "/etc/postfix/main.cf", 2),
        ("dovecot", COPY, "/etc/dovecot/conf.d/10-ssl.conf", 1),
    ]


def test_the_line_is_the_evidence(tmp_path: Path) -> None:
    put(tmp_path, "etc/nginx/nginx.conf", f"  ssl_certificate {LIVE}; # main\n")
    (reference,), _ = find_references(Root(tmp_path), [LIVE])
    assert reference.evidence.text == f"ssl_certificate {LIVE};"


def test_what_does_not_count(tmp_path: Path) -> None:
    put(
        tmp_path,
        "etc/nginx/a.conf",
        f"# ssl_certificate {LIVE};\nssl off; # {COPY}\nssl_certificate {LIVE}.old;\n",
    )
    put(tmp_path, "etc/nginx/b.conf.bak", f"ssl_certificate {LIVE};\n")
    put(tmp_path, "etc/nginx/c.conf~", f"ssl_certificate {LIVE};\n")
    put(tmp_path, "etc/nginx/d.bin", f"\0{LIVE}\n")
    put(tmp_path, "etc/nginx/e.conf", f"ssl_certificate {LIVE};\n" + "#" * (256 << 10))
    put(tmp_path, "etc/prosody/prosody.cfg.lua", f"-- certificate = '{COPY}'\n")
    put(tmp_path, "etc/cron.d/x", f"cp {LIVE} {COPY}\n")
    assert found(tmp_path) == []


def test_a_site_counts_once_it_is_enabled(tmp_path: Path) -> None:
    put(tmp_path, "etc/nginx/sites-available/a", f"ssl_certificate {LIVE};\n")
    put(tmp_path, "etc/nginx/sites-available/b", f"ssl_certificate {COPY};\n")
    (tmp_path / "etc/nginx/sites-enabled").mkdir()
    (tmp_path / "etc/nginx/sites-enabled/b").symlink_to("/etc/nginx/sites-available/b")
    (tmp_path / "etc/nginx/sites-enabled/gone").symlink_to("/nowhere")
    assert found(tmp_path) == [("nginx", COPY, "/etc/nginx/sites-available/b", 1)]


def test_links_lead_to_a_file_and_haproxy_takes_directories(tmp_path: Path) -> None:
    put(tmp_path, COPY[1:], "x")
    (tmp_path / "etc/nginx").mkdir()
    (tmp_path / "etc/nginx/site.pem").symlink_to(COPY)
    put(tmp_path, "etc/nginx/nginx.conf", "ssl_certificate /etc/nginx/site.pem;\nroot /etc/ssl/site;\n")
    put(tmp_path, "etc/haproxy/haproxy.cfg", "bind :443 ssl crt /etc/ssl/site/\n")
    assert found(tmp_path) == [
        ("nginx", "/etc/nginx/site.pem", "/etc/nginx/nginx.conf", 1),
        ("haproxy", "/etc/ssl/site/", "/etc/haproxy/haproxy.cfg", 1),
    ]


def test_one_file_as_configuration(tmp_path: Path) -> None:
    put(tmp_path, "etc/vsftpd.conf", f"rsa_cert_file={COPY}\n")
    assert found(tmp_path) == [("vsftpd", COPY, "/etc/vsftpd.conf", 1)]
