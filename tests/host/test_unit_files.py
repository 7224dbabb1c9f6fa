"""Units of a tree, from its files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from certaudit.facts import Unit, UnitLink
from certaudit.host.root import Root
from certaudit.host.units.files import UnitFiles, lingering, split_usr, systemd_release

ETC, RUN, USR = "etc/systemd/system", "run/systemd/system", "usr/lib/systemd/system"
TIMER = "[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n"
SERVICE = "[Service]\nExecStart=/usr/bin/certbot -q renew\n"


class Tree:
    """A root to fill."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def file(self, path: str, text: str = "") -> Tree:
        place = self.path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        return self

    def link(self, path: str, target: str) -> Tree:
        place = self.path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)
        return self

    def units(self, manager: str | None = None) -> UnitFiles:
        return UnitFiles(Root(self.path), manager)

    def unit(self, name: str) -> Unit:
        found = self.units().unit(name)
        assert found is not None
        return found


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path).file(f"{USR}/certbot.timer", TIMER).file(f"{USR}/certbot.service", SERVICE)


def values(unit: Unit, section: str, key: str) -> list[str]:
    return [setting.value for setting in unit.all(section, key)]


def test_a_packaged_enabled_timer(tree: Tree) -> None:
    tree.link(f"{ETC}/timers.target.wants/certbot.timer", "/usr/lib/systemd/system/certbot.timer")
    unit = tree.unit("certbot.timer")
    path = f"/{USR}/certbot.timer"
    assert (unit.name, unit.file_state, unit.fragment, unit.drop_ins) == (
        "certbot.timer",
        "enabled",
        path,
        (),
    )
    assert [(s.key, s.value, s.path, s.line) for s in unit.settings] == [
        ("OnCalendar", "daily", path, 2),
        ("WantedBy", "timers.target", path, 4),
    ]
    link = f"/{ETC}/timers.target.wants/certbot.timer"
    assert unit.links == (UnitLink("wants", "timers.target", link, path),)
    assert (unit.mask, unit.dangling, unit.active_state, unit.manager) == (None, False, None, None)
    assert tree.units().names() == ("certbot.service", "certbot.timer")
    assert tree.units().gaps == ()
    assert tree.units().unit("absent.timer") is None
    assert tree.units().unit("no unit") is None


def test_the_admins_file_hides_the_packaged_one(tree: Tree) -> None:
    tree.file(f"{ETC}/certbot.timer", "[Timer]\nOnCalendar=weekly\n")
    unit = tree.unit("certbot.timer")
    assert (unit.fragment, unit.file_state) == (f"/{ETC}/certbot.timer", "static")
    assert values(unit, "Timer", "OnCalendar") == ["weekly"]


def test_drop_ins_apply_by_name_and_the_nearest_of_one_name_counts(tree: Tree) -> None:
    tree.file(f"{USR}/certbot.timer.d/50-a.conf", "[Timer]\nOnCalendar=\nOnCalendar=hourly\n")
    tree.file(f"{ETC}/certbot.timer.d/10-b.conf", "[Timer]\nOnCalendar=monthly\n")
    tree.file(f"{RUN}/certbot.timer.d/20-c.conf", "[Timer]\nPersistent=no\n")
    tree.file(f"{ETC}/certbot.timer.d/20-c.conf", "[Timer]\nPersistent=yes\n")
    tree.file(f"{ETC}/certbot.timer.d/README", "[Timer]\nPersistent=no\n")
    unit = tree.unit("certbot.timer")
    assert unit.drop_ins == (
        f"/{ETC}/certbot.timer.d/10-b.conf",
        f"/{ETC}/certbot.timer.d/20-c.conf",
        f"/{USR}/certbot.timer.d/50-a.conf",
    )
    assert values(unit, "Timer", "OnCalendar") == ["hourly"]
    assert unit.last("Timer", "Persistent") == "yes"


def test_drop_ins_of_prefixes_and_of_the_type(tree: Tree) -> None:
    tree.file(f"{USR}/acme-renew.timer", TIMER)
    tree.file(f"{ETC}/timer.d/10-all.conf", "[Timer]\nAccuracySec=1\n")
    tree.file(f"{USR}/acme-.timer.d/10-all.conf", "[Timer]\nAccuracySec=2\n")
    tree.file(f"{USR}/acme-.timer.d/20-own.conf", "[Timer]\nPersistent=yes\n")
    unit = tree.unit("acme-renew.timer")
    assert unit.drop_ins == (f"/{USR}/acme-.timer.d/10-all.conf", f"/{USR}/acme-.timer.d/20-own.conf")
    assert tree.unit("certbot.timer").drop_ins == (f"/{ETC}/timer.d/10-all.conf",)


@pytest.mark.parametrize("target", ["/dev/null", "../../../dev/null", "empty"])
def test_a_masked_drop_in(tree: Tree, target: str) -> None:
    tree.file(f"{USR}/certbot.timer.d/a.conf", "[Timer]\nOnCalendar=\n")
    if target == "empty":
        tree.file(f"{ETC}/certbot.timer.d/a.conf")
    else:
        tree.link(f"{ETC}/certbot.timer.d/a.conf", "../" + target if target[0] == "." else target)
    assert values(tree.unit("certbot.timer"), "Timer", "OnCalendar") == ["daily"]


@pytest.mark.parametrize(
    ("directory", "target", "state"),
    [
        (ETC, "/dev/null", "masked"),
        (ETC, "../../../dev/null", "masked"),
        (RUN, "/dev/null", "masked-runtime"),
        (ETC, None, "masked"),
    ],
)
def test_masks_keep_what_they_hide_in_sight(
    tree: Tree, directory: str, target: str | None, state: str
) -> None:
    path = f"{directory}/certbot.timer"
    _ = tree.file(path) if target is None else tree.link(path, target)
    tree.link(f"{ETC}/timers.target.wants/certbot.timer", "/usr/lib/systemd/system/certbot.timer")
    unit = tree.unit("certbot.timer")
    assert (unit.file_state, unit.mask) == (state, f"/{path}")
    assert unit.fragment == f"/{USR}/certbot.timer"
    assert values(unit, "Timer", "OnCalendar") == ["daily"]
    assert [link.by for link in unit.links] == ["timers.target"]


def test_a_mask_over_nothing(tree: Tree) -> None:
    unit = tree.link(f"{ETC}/gone.timer", "/dev/null").unit("gone.timer")
    assert (unit.file_state, unit.mask, unit.fragment, unit.settings) == (
        "masked",
        f"/{ETC}/gone.timer",
        None,
        (),
    )
    assert not unit.dangling


def test_an_alias_leads_to_its_unit(tree: Tree) -> None:
    tree.link(f"{ETC}/letsencrypt.timer", "/usr/lib/systemd/system/certbot.timer")
    tree.link(f"{ETC}/timers.target.wants/letsencrypt.timer", "../letsencrypt.timer")
    tree.file(f"{ETC}/letsencrypt.timer.d/x.conf", "[Timer]\nPersistent=yes\n")
    unit = tree.unit("letsencrypt.timer")
    assert (unit.name, unit.aliases, unit.fragment) == (
        "certbot.timer",
        ("letsencrypt.timer",),
        f"/{USR}/certbot.timer",
    )
    assert unit.last("Timer", "Persistent") == "yes"
    assert [link.path for link in unit.links] == [f"/{ETC}/timers.target.wants/letsencrypt.timer"]
    assert tree.units().unit("certbot.timer") == unit
    assert tree.units().file_state("letsencrypt.timer") == "alias"


def test_an_instance_has_its_templates_files(tree: Tree) -> None:
    tree.file(f"{USR}/acme@.timer", TIMER)
    tree.file(f"{ETC}/acme@.timer.d/a.conf", "[Timer]\nUnit=acme-%i.service\n")
    tree.file(f"{ETC}/acme@www.timer.d/b.conf", "[Timer]\nOnCalendar=weekly\n")
    tree.link(f"{ETC}/timers.target.wants/acme@www.timer", "/usr/lib/systemd/system/acme@.timer")
    unit = tree.unit("acme@www.timer")
    assert (unit.name, unit.file_state, unit.fragment) == (
        "acme@www.timer",
        "enabled",
        f"/{USR}/acme@.timer",
    )
    assert values(unit, "Timer", "OnCalendar") == ["daily", "weekly"]
    assert unit.last("Timer", "Unit") == "acme-%i.service"
    assert "acme@www.timer" in tree.units().names()
    template = tree.unit("acme@.timer")
    assert (template.file_state, values(template, "Timer", "OnCalendar")) == ("indirect", ["daily"])


def test_a_linked_unit_is_named_by_its_link(tree: Tree) -> None:
    tree.file("opt/acme/acme.timer", TIMER).link(f"{ETC}/acme.timer", "/opt/acme/acme.timer")
    unit = tree.unit("acme.timer")
    assert (unit.file_state, unit.fragment) == ("linked", f"/{ETC}/acme.timer")
    assert values(unit, "Timer", "OnCalendar") == ["daily"]


def test_links_of_packages_and_masked_links(tree: Tree) -> None:
    tree.link(f"{USR}/timers.target.wants/certbot.timer", "../certbot.timer")
    assert [link.path for link in tree.unit("certbot.timer").links] == [
        f"/{USR}/timers.target.wants/certbot.timer"
    ]
    tree.link(f"{ETC}/timers.target.wants/certbot.timer", "/dev/null")
    assert tree.unit("certbot.timer").links == ()


def test_upholds_count_where_systemd_knows_them(tree: Tree) -> None:
    tree.file(f"{USR}/keep.timer", "[Timer]\nOnCalendar=daily\n[Install]\nUpheldBy=timers.target\n")
    assert tree.unit("keep.timer").file_state == "disabled"
    tree.link(f"{ETC}/timers.target.upholds/keep.timer", "/usr/lib/systemd/system/keep.timer")
    assert tree.unit("keep.timer").file_state == "enabled"
    assert tree.unit("keep.timer").links[0].kind == "upholds"
    tree.file("usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-252.so")
    assert tree.units().version == "252"
    assert tree.unit("keep.timer").file_state == "static"


def test_a_dangling_link_in_a_partial_tree(tmp_path: Path) -> None:
    tree = Tree(tmp_path).link(
        f"{ETC}/timers.target.wants/certbot.timer", "/lib/systemd/system/certbot.timer"
    )
    unit = tree.unit("certbot.timer")
    assert (unit.dangling, unit.fragment, unit.file_state, len(unit.links)) == (True, None, None, 1)
    units = tree.units()
    assert units.names() == ("certbot.timer",)
    assert not units.has_vendor_units
    assert [gap.aspect for gap in units.gaps] == ["units"]


@pytest.mark.parametrize("text", ["/lib/systemd/system/certbot.timer", "../certbot.timer\n"])
def test_links_that_a_copy_wrote_out_as_files(tree: Tree, text: str) -> None:
    tree.file(f"{ETC}/timers.target.wants/certbot.timer", text)
    unit = tree.unit("certbot.timer")
    assert (unit.file_state, [link.target for link in unit.links]) == ("enabled", [text.strip()])
    tree.file(f"{ETC}/certbot.timer", "/dev/null")
    assert (tree.unit("certbot.timer").file_state, tree.unit("certbot.timer").mask) == (
        "masked",
        f"/{ETC}/certbot.timer",
    )


def test_a_file_among_links_is_none(tree: Tree) -> None:
    tree.file(f"{ETC}/timers.target.wants/certbot.timer", TIMER)
    assert (tree.unit("certbot.timer").file_state, tree.unit("certbot.timer").links) == ("disabled", ())


def test_a_broken_alias_is_bad_not_dangling(tree: Tree) -> None:
    unit = tree.link(f"{ETC}/le.timer", "/usr/lib/systemd/system/gone.timer").unit("le.timer")
    assert (unit.file_state, unit.fragment, unit.dangling) == ("bad", None, False)


@pytest.mark.parametrize(
    ("about", "shown"),
    [
        ('ID=debian\nVERSION_ID="12"\n', "/lib"),
        ('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="22.04"\n', "/lib"),
        ('ID=debian\nVERSION_ID="13"\n', "/usr/lib"),
        ('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\n', "/usr/lib"),
        ('ID=fedora\nVERSION_ID="39"\n', "/usr/lib"),
        ("", "/usr/lib"),
    ],
)
def test_the_name_of_the_packaged_directory(tree: Tree, about: str, shown: str) -> None:
    tree.file("etc/os-release", about).link("lib", "usr/lib")
    assert tree.unit("certbot.timer").fragment == f"{shown}/systemd/system/certbot.timer"
    assert len(tree.units().names()) == 2


def test_a_derivative_is_judged_by_its_systemd(tree: Tree) -> None:
    tree.file("etc/os-release", 'ID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_ID="21.3"\n')
    root = Root(tree.path)
    assert (systemd_release(root), split_usr(root, None)) == (None, False)
    assert split_usr(root, 249)
    assert not split_usr(root, 255)


def test_a_real_lib_beside_usr_lib(tmp_path: Path) -> None:
    tree = Tree(tmp_path).file("lib/systemd/system/a.timer", TIMER).file(f"{USR}/a.timer", SERVICE)
    tree.file("etc/os-release", 'ID=debian\nVERSION_ID="10"\n')
    assert tree.unit("a.timer").fragment == "/lib/systemd/system/a.timer"


def test_a_users_manager(tree: Tree) -> None:
    tree.file("usr/lib/systemd/user/acme.timer", TIMER)
    tree.file("home/alice/.config/systemd/user/own.timer", TIMER)
    tree.link("home/alice/.config/systemd/user/timers.target.wants/own.timer", "../own.timer")
    tree.file("home/alice/.config/systemd/user/acme.timer.d/a.conf", "[Timer]\nPersistent=yes\n")
    tree.link("etc/systemd/user/timers.target.wants/acme.timer", "/usr/lib/systemd/user/acme.timer")
    tree.link("etc/xdg/systemd/user", "../../systemd/user")
    tree.file("var/lib/systemd/linger/alice").file("var/lib/systemd/linger/bob")
    units = tree.units("alice")
    assert units.names() == ("acme.timer", "own.timer")
    own, acme = units.unit("own.timer"), units.unit("acme.timer")
    assert own is not None
    assert acme is not None
    assert (own.manager, own.file_state) == ("alice", "enabled")
    assert own.fragment == "/home/alice/.config/systemd/user/own.timer"
    assert (acme.file_state, acme.last("Timer", "Persistent")) == ("enabled", "yes")
    assert units.gaps == ()
    assert lingering(Root(tree.path)) == ("alice", "bob")


def test_presets(tree: Tree) -> None:
    tree.file("usr/lib/systemd/system-preset/90-default.preset", "disable *\n")
    tree.file("etc/systemd/system-preset/10-local.preset", "enable certbot.*\n")
    rule = tree.units().preset("certbot.timer")
    assert rule is not None
    assert (rule.enable, rule.path) == (True, "/etc/systemd/system-preset/10-local.preset")
    other = tree.units().preset("cron.service")
    assert other is not None
    assert not other.enable
    tree.link("etc/systemd/system-preset/90-default.preset", "/dev/null")
    assert tree.units().preset("cron.service") is None


def test_what_no_unit_file_should_be(tree: Tree) -> None:
    os.mkfifo(tree.path / f"{USR}/pipe.timer")
    (tree.path / f"{USR}/folder.timer").mkdir()
    tree.link(f"{ETC}/loop.timer", "loop2.timer").link(f"{ETC}/loop2.timer", "loop.timer")
    tree.file(f"{USR}/broken.timer", "[Timer\nOnCalendar=daily\n")
    for name in ("pipe.timer", "folder.timer", "loop.timer"):
        assert tree.unit(name).settings == ()
    assert tree.unit("loop.timer").file_state == "bad"
    units = tree.units()
    broken = units.unit("broken.timer")
    assert broken is not None
    assert (broken.file_state, broken.settings) == ("bad", ())
    assert [gap.reason for gap in units.gaps] == [
        f"/{USR}/broken.timer:1: invalid section header [Timer"
    ]


def test_names_that_are_no_utf8_can_be_printed(tree: Tree) -> None:
    folder = tree.path / f"{ETC}/certbot.timer.d"
    folder.mkdir(parents=True)
    (folder / "\udcff.conf").write_text("[Timer]\nPersistent=yes\n")
    unit = tree.unit("certbot.timer")
    assert unit.drop_ins == (f"/{ETC}/certbot.timer.d/\ufffd.conf",)
    assert unit.last("Timer", "Persistent") == "yes"
    assert repr(unit).encode()


def test_links_never_lead_out_of_the_root(tmp_path: Path) -> None:
    (tmp_path / "outside.timer").write_text(TIMER)
    tree = Tree(tmp_path / "root").file(f"{USR}/x.timer", TIMER)
    tree.link(f"{ETC}/stray.timer", str(tmp_path / "outside.timer"))
    tree.link(f"{ETC}/up.timer", "../../../../outside.timer")
    for name in ("stray.timer", "up.timer"):
        assert (tree.unit(name).settings, tree.unit(name).file_state) == ((), "bad")
