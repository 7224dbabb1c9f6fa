"""What the search is for: as much as a server with many timers and cron lines makes certaudit seek."""

# All that a server's units, cron lines and the catalogue make certaudit look for
LITERALS = (
    *("ertbot", "etsencrypt", "Renew the wildcard", "/usr/local/sbin/renew-wildcard", "acme.sh"),
    *(f"backup-{name}.service" for name in ("home", "etc", "mail", "sql", "www", "git", "vm")),
    *(f"Synchronise the {name} share" for name in ("red", "green", "blue", "grey", "black", "white")),
    *(f"/opt/jobs/{name}/run --quiet" for name in ("alpha", "beta", "gamma", "delta", "omega", "sigma")),
    *(f"deploy-{name}.timer" for name in ("web1", "web2", "imap", "smtp", "ldap", "proxy", "edge")),
    *(f"snap.{name}.renew" for name in ("nextcloud", "mattermost", "rocketchat", "bookstack")),
    *(f"cd /srv/{name} && make tls" for name in ("shop", "blog", "wiki", "mail", "chat")),
)
