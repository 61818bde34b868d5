"""The documentation is right: its guides are done step by step as they stand, every link leads somewhere, and it builds."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

import book
from book import DOCS, Reader, anchors, links, steps
from support import BINARY, ROOT
from machines import free_ports

PAGES = sorted(DOCS.rglob("*.md"))
SUMMARY = DOCS / "SUMMARY.md"
OUTSIDE = ["SECURITY.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "README.md", "CHANGELOG.md", "BENCHMARKS.md"]
# Guides that are run, and how many steps they have at least.
GUIDES = {
    "start.md": 8,
    "guides/three-machines.md": 40,
    "guides/own-model.md": 3,
    "guides/ciphertexts.md": 6,
    "guides/enclave.md": 5,
    "guides/gateway.md": 3,
    "guides/page.md": 4,
    "guides/training.md": 20,
    "concepts/reveal-and-protect.md": 1,
}


@pytest.fixture
def reader(tmp_path):
    readers = []

    def make(python=None):
        readers.append(Reader(tmp_path / "home", lambda: free_ports(1)[0], python))
        return readers[-1]

    (tmp_path / "home").mkdir()
    yield make
    for one in readers:
        one.end()


@pytest.mark.parametrize("page", GUIDES)
def test_a_guide_does_what_it_says(page, reader):
    assert reader().read((DOCS / page).read_text()).did >= GUIDES[page]


def test_the_guide_for_python_does_what_it_says(privet, reader):
    package = pathlib.Path(privet.__file__).parents[1]
    assert reader(package).read((DOCS / "guides/python.md").read_text()).did >= 3


def test_what_is_to_be_run_is_run():
    """A page with steps that no test goes through would rot."""
    for page in PAGES:
        doing = [words for words, _ in steps(page.read_text()) if {"run", "start", "restart", "file", "send"} & set(words[:2])]
        name = str(page.relative_to(DOCS))
        assert not doing or name in GUIDES or name == "guides/python.md", f"{name}: {doing[0]}"


def test_a_reader_notices_what_is_wrong(reader):
    one = reader()
    one.read("```sh run\necho one two\n```\n```text output\none …\n```\n")
    with pytest.raises(AssertionError, match="is not in"):
        one.read("```sh run\necho one\n```\n```text output\ntwo …\n```\n")
    with pytest.raises(AssertionError, match="ended with 1"):
        one.read("```sh run\nfalse\n```\n")


def test_every_link_leads_somewhere():
    found = 0
    for page in [*PAGES, *(ROOT / name for name in OUTSIDE)]:
        for link in links(page.read_text()):
            if link.startswith(("https://", "http://", "mailto:")):
                continue
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            where = f"{page.relative_to(ROOT)}: `{link}`"
            assert target.exists() and target.is_relative_to(ROOT), f"{where} leads nowhere"
            if anchor and target.suffix == ".md":
                assert anchor in anchors(target.read_text()), f"{where}: there is no such heading"
            found += 1
    assert found > 100


def test_every_page_is_in_the_table_of_contents_once():
    listed = [(DOCS / link).resolve() for link in links(SUMMARY.read_text())]
    assert len(listed) == len(set(listed)), "a page is there twice"
    missing = {page.resolve() for page in PAGES} - set(listed) - {SUMMARY.resolve()}
    assert not missing, f"`docs/SUMMARY.md` lacks {sorted(str(page.relative_to(ROOT)) for page in missing)}"


def test_each_page_has_one_title():
    for page in set(PAGES) - {SUMMARY}:
        titles = re.findall(r"^# ", book.FENCE.sub("", page.read_text()), re.M)
        assert len(titles) == 1, f"{page.name} has {len(titles)} titles"


def test_the_site_is_built(tmp_path):
    mdbook = shutil.which("mdbook") or ROOT / "target/tools/bin/mdbook"
    if not pathlib.Path(mdbook).is_file():
        pytest.skip("SKIPPED: mdBook is not installed (docs/build --install)")
    built = subprocess.run([ROOT / "docs/build", "--out", tmp_path / "site"], capture_output=True, text=True, timeout=120)
    assert built.returncode == 0 and "WARN" not in built.stderr and "ERROR" not in built.stderr, built.stdout + built.stderr
    site = tmp_path / "site"
    pages = list(site.rglob("*.html"))
    assert len(pages) > len(PAGES)
    for page in pages:
        text = page.read_text()
        for link in re.findall(r'(?:href|src)="([^"#?]+)[^"]*"', text):
            if not re.match(r"[a-z]+:", link):
                target = site / link.lstrip("/") if link.startswith("/") else page.parent / link
                assert target.exists(), f"{page.relative_to(site)}: `{link}` leads nowhere"


def shell(script, **env):
    done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, env=os.environ | {"PRIVET": str(BINARY)} | env, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("words, wanted, others", [
    ("privet ", {"check", "serve", "predict", "completions", "man"}, {"--to"}),
    ("privet serve ", {"party", "plain", "web"}, {"check"}),
    ("privet bundle --kind ", {"plain", "mpc", "tee", "he"}, {"--out"}),
    ("privet predict --d", {"--deadline", "--dangerous-accept-simulated"}, {"--to"}),
])  # fmt: skip
def test_bash_completes_commands_options_and_values(words, wanted, others):
    """The function that the script registers is called as bash calls it, and says what may follow."""
    script = f"""
        source <("$PRIVET" completions bash)
        function=$(complete -p privet | sed 's/.*-F \\([^ ]*\\).*/\\1/')
        COMP_WORDS=({words}{'""' if words.endswith(" ") else ""}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        COMP_LINE={json.dumps(words)}; COMP_POINT=${{#COMP_LINE}}
        "$function" privet "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD - 1]}}"
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    offered = set(shell(script))
    assert wanted <= offered and not others & offered, offered


@pytest.mark.parametrize("name, check", [("bash", ["bash", "-n"]), ("zsh", ["zsh", "-n"]), ("fish", ["fish", "--no-execute"]), ("elvish", None), ("powershell", None)])
def test_completions_are_scripts_of_their_shell(name, check, tmp_path):
    script = subprocess.run([BINARY, "completions", name], capture_output=True, check=True, text=True).stdout
    assert all(word in script for word in ("predict", "dangerous-accept-simulated", "privet"))
    if check and shutil.which(check[0]):
        (tmp_path / "script").write_text(script)
        subprocess.run([*check, tmp_path / "script"], check=True)


def test_there_is_a_manual_page_for_each_command(tmp_path):
    written = subprocess.run([BINARY, "man", "--out", tmp_path / "man1"], capture_output=True, check=True, text=True).stdout.split()
    commands = re.findall(r"^## (privet.*)$", (DOCS / "cli.md").read_text(), re.M)
    assert sorted(pathlib.Path(path).name for path in written) == sorted(f"{c.replace(' ', '-')}.1" for c in commands)
    for path in map(pathlib.Path, written):
        text = path.read_text()
        sections = re.findall(r"^\.SH (.*)$", text, re.M)
        assert {"NAME", "SYNOPSIS", "DESCRIPTION", "EXAMPLES"} <= set(sections) and text.count(".TH ") == 1, (path, sections)
        if shutil.which("groff"):
            done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", path], capture_output=True, text=True, check=True)
            assert not done.stderr and path.stem.replace("privet-", "") in done.stdout, (path, done.stderr)
