"""A machine that serves its certificate by five programs and hands it to other hosts over ssh.

It begins where the story ends: the live generation is the second, and everything still holds or serves
the first. The other hosts are this box itself under other names, behind an sshd of its own port, host
key and user; all that certaudit knows of them is in root's own ssh configuration.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.live import story
from tests.live.box import Box
from tests.live.story import LINEAGE, generations, shell, wait

PACKAGES = (
    "openssh-server", "nginx-light", "apache2", "haproxy", "postfix", "dovecot-imapd", "dovecot-pop3d",
    "rsync",
)  # fmt: skip
LIVE = f"/etc/letsencrypt/live/{LINEAGE}"
ARCHIVE = f"/etc/letsencrypt/archive/{LINEAGE}"
SSH_PORT = 2222
# How each consumer is asked with openssl s_client.
DOORS = {
    "nginx": "-connect 127.0.0.1:8443",
    "apache2": "-connect 127.0.0.1:9443",
    "haproxy": "-connect 127.0.0.1:10443",
    "postfix": "-starttls smtp -connect 127.0.0.1:25",
    "dovecot": "-starttls imap -connect 127.0.0.1:143",
    "dovecot-pop3": "-starttls pop3 -connect 127.0.0.1:110",
    "dovecot-imaps": "-connect 127.0.0.1:993",
}
UNITS = ("nginx", "apache2", "haproxy", "postfix", "dovecot")
FILES = {
    "/etc/nginx/conf.d/site.conf": """server {
    listen 8443 ssl;
    server_name example.org;
    ssl_certificate /etc/nginx/tls/fullchain.pem;
    ssl_certificate_key /etc/nginx/tls/privkey.pem;
}
""",
    "/etc/apache2/ports.conf": "Listen 9443\n",
    "/etc/apache2/sites-enabled/site.conf": f"""<VirtualHost *:9443>
    ServerName example.org
    SSLEngine on
    SSLCertificateFile {LIVE}/fullchain.pem
    SSLCertificateKeyFile {LIVE}/privkey.pem
</VirtualHost>
""",
    "/etc/haproxy/haproxy.cfg": """global
    user haproxy
    group haproxy
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend www
    bind :10443 ssl crt /etc/haproxy/certs/site.pem
    http-request return status 200
""",
    "/etc/postfix/main.cf": """compatibility_level = 3.6
myhostname = web1
inet_interfaces = loopback-only
inet_protocols = ipv4
smtpd_tls_security_level = may
smtpd_tls_cert_file = /etc/postfix/tls/fullchain.pem
smtpd_tls_key_file = /etc/postfix/tls/privkey.pem
""",
    "/etc/dovecot/local.conf": """ssl = yes
ssl_cert = </etc/dovecot/tls/fullchain.pem
ssl_key = </etc/dovecot/tls/privkey.pem
""",
    "/etc/ssh/sshd_other": f"""Port {SSH_PORT}
ListenAddress 127.0.0.1
HostKey /etc/ssh/other_host_key
PidFile /run/sshd-other.pid
AuthorizedKeysFile /etc/ssh/authorized_%u
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
Subsystem sftp internal-sftp
Match User sftponly
    ForceCommand internal-sftp
Match User nothing
    ForceCommand /bin/false
""",
    "/root/.ssh/config": f"""Host *.example.org
    HostName 127.0.0.1
    Port {SSH_PORT}
    IdentityFile /root/.ssh/hand-out
    UserKnownHostsFile /root/.ssh/known_%n
Host cut.example.org
    ProxyCommand /usr/local/sbin/cut-off {SSH_PORT}
""",
    # Connections that end after so many bytes from here, all together, as /run/cut-off says.
    "/usr/local/sbin/cut-off": """#!/usr/bin/python3
import os, select, socket, sys
other = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
left = int(open("/run/cut-off").read())
while left > 0:
    for ready in select.select([0, other], [], [])[0]:
        data = os.read(0, min(left, 65536)) if ready == 0 else other.recv(65536)
        if not data:
            sys.exit(0)
        if ready == 0:
            left -= len(data)
            open("/run/cut-off", "w").write(str(left))
            other.sendall(data)
        else:
            os.write(1, data)
""",
    "/etc/letsencrypt/renewal-hooks/deploy/note": """#!/bin/sh
echo "$RENEWED_LINEAGE for $RENEWED_DOMAINS" >>/run/noted
""",
    "/etc/systemd/system/sshd-other.service": """[Service]
ExecStartPre=/bin/mkdir -p /run/sshd
ExecStart=/usr/sbin/sshd -D -e -f /etc/ssh/sshd_other
""",
}
USERS = ("deploy", "sftponly", "rsynconly", "nothing")  # on the other hosts
PAIRS = {"nginx": "/etc/nginx/tls", "postfix": "/etc/postfix/tls", "dovecot": "/etc/dovecot/tls"}
NAMES = ("backup", "mirror", "sftp", "rsync", "nothing", "cut")
BACKUP, MIRROR = "/remote/backup/tls", "/home/deploy/tls"
SENDS = f"""
scp -q "$live/fullchain.pem" "$live/privkey.pem" backup.example.org:{BACKUP}/
rsync -q "$live/fullchain.pem" deploy@mirror.example.org:tls/site.crt
rsync -q "$live/privkey.pem" deploy@mirror.example.org:tls/site.key
systemctl reload nginx
"""


@dataclass(frozen=True, slots=True)
class Serials:
    """The serial numbers of the two generations."""

    old: str
    live: str


def set_up(box: Box) -> Serials:
    """All the files, users and keys; ``begin`` starts it."""
    for path, text in FILES.items():
        mode = 0o755 if text.startswith("#!") else 0o600 if path.startswith("/root") else 0o644
        box.write(path, text, mode)
    keys(box)
    script = box.read(story.SCRIPT).replace("\nlogger -t", SENDS + "logger -t")
    box.write(story.SCRIPT, script, 0o755)
    shell(box, "a2enmod -q ssl; a2dissite -q 000-default; rm -f /etc/nginx/sites-enabled/default")
    return Serials(*generations(box))


def begin(box: Box) -> None:
    """Everything holds and serves the first generation; the second is live."""
    box.write("/etc/nginx/conf.d/site.conf", FILES["/etc/nginx/conf.d/site.conf"])
    shell(box, "rm -rf /var/lib/certaudit /etc/certaudit.toml")
    place_copies(box, 1)
    trust(box, "/etc/ssh/other_host_key.pub")
    hosts(box)
    start(box)


def place_copies(box: Box, number: int) -> None:
    """Every copy on this machine holds a generation."""
    for folder in PAIRS.values():
        copies(box, folder, "root:root", 0o600, number)
    combined = "/etc/haproxy/certs/site.pem"
    shell(box, f"mkdir -p {combined.rpartition('/')[0]}")
    shell(box, f"cat {ARCHIVE}/fullchain{number}.pem {ARCHIVE}/privkey{number}.pem >{combined}")
    shell(box, f"chown root:haproxy {combined}; chmod 640 {combined}")
    for place in story.COPIES:
        shell(box, f"cp {ARCHIVE}/fullchain{number}.pem {place}")
        shell(box, f"cp {ARCHIVE}/privkey{number}.pem {place.replace('fullchain', 'privkey')}")


def bring(box: Box, number: int) -> None:
    """Hand a generation to all copies here, and reload what reads copies: all but apache."""
    place_copies(box, number)
    others = [unit for unit in UNITS if unit != "apache2"]
    box.output("/usr/bin/systemctl", "reload", *others)
    for name in DOORS:
        if name != "apache2":
            wait(box, f'[ "$({asking(name)})" = serial={generations(box)[number - 1]} ]', name)


def keys(box: Box) -> None:
    """The other hosts' host key, known to root, and root's own key, allowed there."""
    shell(box, f"for u in {' '.join(USERS)}; do useradd -m -p '*' $u; done")  # no password, not locked
    shell(box, "ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/other_host_key")
    shell(box, "ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/hand-out; chmod 700 /root/.ssh")
    allowed = "cp /root/.ssh/hand-out.pub /etc/ssh/authorized_$u"
    shell(box, f"for u in root {' '.join(USERS)}; do {allowed}; done")


def only_rsync(box: Box, *options: str) -> None:
    """Let root's key start nothing for this user but rrsync(1) on its home."""
    command = " ".join(("/usr/bin/rrsync", *options, "/home/rsynconly"))
    key = box.read("/root/.ssh/hand-out.pub")
    box.write("/etc/ssh/authorized_rsynconly", f'command="{command}",restrict {key}')


def trust(box: Box, key: str, *, host: str = "*") -> None:
    """Let root's ssh know a host (all of them: ``*``) by a public key."""
    names = [f"{name}.example.org" for name in NAMES] if host == "*" else [host]
    for name in names:
        shell(box, f"echo '[127.0.0.1]:{SSH_PORT}' $(cat {key}) >/root/.ssh/known_{name}")


def copies(box: Box, folder: str, owner: str, mode: int, number: int = 1) -> None:
    """The pair of a generation in a directory."""
    key = f"{folder}/privkey.pem"
    shell(box, f"mkdir -p {folder}; cp {ARCHIVE}/fullchain{number}.pem {folder}/fullchain.pem")
    shell(box, f"cp {ARCHIVE}/privkey{number}.pem {key}; chmod {mode:o} {key}")
    shell(box, f"chown -R {owner} {folder}")


def hosts(box: Box) -> None:
    """What the other hosts hold: the first generation, in their own names and modes."""
    shell(box, f"rm -rf {BACKUP} {MIRROR}")
    copies(box, BACKUP, "root:root", 0o640)
    copies(box, MIRROR, "deploy:deploy", 0o600)
    shell(box, f"cd {MIRROR}; mv fullchain.pem site.crt; mv privkey.pem site.key; chmod 700 .")


def start(box: Box) -> None:
    """Start all with the first generation live, then point live/ at the second, as certbot did."""
    point(box, 1)
    box.output("/usr/bin/systemctl", "daemon-reload")
    box.output("/usr/bin/systemctl", "restart", *UNITS, "sshd-other")
    for name in DOORS:
        wait(box, f'[ -n "$({asking(name)})" ]', f"{name} serves")
    point(box, 2)


def point(box: Box, generation: int) -> None:
    """Let live/ lead to a generation."""
    for part in ("cert", "chain", "fullchain", "privkey"):
        shell(box, f"ln -sfn ../../archive/{LINEAGE}/{part}{generation}.pem {LIVE}/{part}.pem")


def asking(name: str) -> str:
    """The shell command that prints the serial which a consumer serves."""
    return (
        f"openssl s_client {DOORS[name]} -servername {LINEAGE} </dev/null 2>/dev/null "
        "| openssl x509 -noout -serial 2>/dev/null"
    )


def served(box: Box) -> dict[str, str]:
    """The serial that each consumer serves, by openssl."""
    return {name: shell(box, asking(name)).strip()[7:] for name in DOORS}


def elsewhere(box: Box) -> dict[str, str]:
    """Mode, owner and sum of each file of the other hosts, by path; whatever lies beside it too."""
    listed = shell(
        box, f"cd /; find {BACKUP} {MIRROR} -type f -printf '%p %m %u:%g ' -exec sha256sum {{}} ';'"
    )
    found = (line.split() for line in listed.splitlines())
    return {path: f"{mode} {owner} {digest}" for path, mode, owner, digest, _ in found}


def logins(box: Box) -> int:
    """How many connections the other hosts have seen."""
    box.output("/usr/bin/journalctl", "--sync")
    log = box.output("/usr/bin/journalctl", "--no-pager", "-u", "sshd-other")
    return log.count("Accepted publickey")
