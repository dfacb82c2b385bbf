import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

MEGABYTE = 1 << 20
HEAD = "specrun: 1\nprovider: sandbox\n"
MODEL = "black-forest-labs/FLUX.1-dev"

Write = Callable[[Path], str | bytes]


def job(text: str, head: str = HEAD) -> str:
    lines = "".join(f"    {line}\n" for line in text.strip("\n").split("\n"))
    return f"{head}jobs:\n  shots:\n    model: {MODEL}\n{lines}"


def quoted(template: str) -> str:
    return template.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")


def prompt(template: str, more: str = "") -> str:
    return job(f'prompt: "{quoted(template)}"\n{more}')


def refused(folder: Path, spec: str | bytes) -> str:
    """Validate a spec with 3 seconds of CPU and 300 MB of memory, and return what it says."""
    data = spec if isinstance(spec, bytes) else spec.encode()
    (folder / "spec.yaml").write_bytes(data)
    ended = subprocess.run(
        [sys.executable, "-m", "specrun", "validate", "spec.yaml"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=False,
        preexec_fn=_limit,
        timeout=120,
    )
    said = ended.stderr.decode()
    assert ended.returncode == 1, f"exit {ended.returncode}\n{said}"
    assert "Traceback" not in said
    assert "internal error" not in said
    assert "MemoryError" not in said
    return said


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (3, 3))
    resource.setrlimit(resource.RLIMIT_DATA, (300 * MEGABYTE, 300 * MEGABYTE))


def doubling_aliases() -> str:
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    return HEAD + "vars:\n  a0: &a0 [x, x]\n" + "".join(f"  {level}\n" for level in levels)


def deepening_aliases() -> str:
    levels = [f"a{n}: &a{n} {'[' * 40}*a{n - 1}{']' * 40}" for n in range(1, 50)]
    return HEAD + "vars:\n  a0: &a0 x\n" + "".join(f"  {level}\n" for level in levels)


def merged_aliases() -> str:
    keys = ", ".join(f"k{n}: 1" for n in range(2000))
    return HEAD + f"vars:\n  a: &a {{{keys}}}\n" + "".join(f"  b{n}: {{<<: *a}}\n" for n in range(5000))


YAML: dict[str, tuple[str | bytes, str]] = {
    "aliases that double": (doubling_aliases(), "spec.yaml:9:52: error: too many values"),
    "aliases that deepen": (deepening_aliases(), "spec.yaml:6:51: error: nested too deeply"),
    "aliases that merge": (merged_aliases(), "error: too many values"),
    "lists in lists": (HEAD + "vars: {a: " + "[" * 100 + "]" * 100 + "}\n", "spec.yaml:3:73: error: nested"),
    "very many lists in lists": (
        HEAD + "vars: {a: " + "[" * 100_000 + "]" * 100_000 + "}\n",
        "error: nested too deeply",
    ),
    "mappings in mappings": (HEAD + "vars: " + "{a: " * 100_000, "error: nested too deeply"),
    "blocks in blocks": (
        HEAD + "vars:\n" + "".join(" " * n + "a:\n" for n in range(1, 200)),
        "error: nested too deeply",
    ),
    "17 MiB of comment": (HEAD + "#" * (17 * MEGABYTE), "error: file too large"),
    "16 MiB of values": (HEAD + "vars: {a: [" + "a," * (7 * MEGABYTE) + "a]}", "error: too many values"),
    "16 MiB of one key twice": (HEAD + "a: 1\n" * (3 * MEGABYTE), "error: too many faults"),
    "a number of a million digits": (
        job(f"prompt: a\nparams: {{seed: {'9' * MEGABYTE}}}"),
        "spec.yaml:7:20: error: number too large",
    ),
    "a NUL": (job("prompt: a\0b"), "spec.yaml:6:14: error: not YAML"),
    "half of a surrogate pair": (job('prompt: "\\ud800"'), "spec.yaml:6:16: error: not YAML"),
    "bytes that are not UTF-8": (b"specrun: 1\njobs: \xff\n", "error: not UTF-8"),
    "a Python object": (job("prompt: !!python/object/apply:os.system [id]"), "spec.yaml:6:13: error: unsupported tag"),
}


@pytest.mark.parametrize("name", YAML)
def test_hostile_yaml_is_refused_at_its_place(name: str, tmp_path: Path) -> None:
    spec, said = YAML[name]
    assert said in refused(tmp_path, spec)


LARGE = "'x' * 1000000"
SET = f"{{% set a = {LARGE} %}}"


def loop(body: str, times: int = 99999) -> str:
    return f"{{% for i in range({times}) %}}{body}{{% endfor %}}"


def growing(start: str, step: str, times: int = 60) -> str:
    return f"{{% set n = namespace(s={start}) %}}" + loop(f"{{% set n.s = {step} %}}", times)


ATTACKS: dict[str, tuple[str, str]] = {
    "a text times a number": ("{{ 'a' * 10**9 }}", "a text of more than 1,000,000 characters"),
    "a number times a text": ("{{ 10**9 * 'a' }}", "a text of more than 1,000,000 characters"),
    "a list times a number": ("{{ [1] * 10**9 }}", "a list that is too large"),
    "a power": ("{{ (10**1000)**1000 }}", "a number that is too large"),
    "a wide format": ("{{ '%1000000000d' % 1 }}", "a text of more than 1,000,000 characters"),
    "a wide format by name": ("{{ '%(a)1000000000d' % {'a': 1} }}", "a text of more than 1,000,000 characters"),
    "a precise format": ("{{ '%.1000000000f' % 1.5 }}", "a text of more than 1,000,000 characters"),
    "a format of unknown width": ("{{ '%*d' % (1000000000, 1) }}", "widths written out"),
    "a format of many widths": ("{{ '%9999d' * 9999 % ((1,) * 9999) }}", "a text of more than 1,000,000 characters"),
    "a format of one large value": (f"{{{{ '%(a)s' * 100000 % {{'a': {LARGE}}} }}}}", "a text of more than"),
    "str.format": ("{{ '{:1000000000}'.format(1) }}", "`format` cannot be called here"),
    "the filter format": ("{{ '%1000000000d' | format(1) }}", "a text of more than 1,000,000 characters"),
    "center": ("{{ 'a' | center(10**9) }}", "a width is a whole number up to 10,000"),
    "center by name": ("{{ 'a' | center(width=10**9) }}", "a width is a whole number up to 10,000"),
    "str.ljust": ("{{ 'a'.ljust(10**9) }}", "`ljust` of a text cannot be used here"),
    "str.zfill": ("{{ 'a'.zfill(10**9) }}", "`zfill` of a text cannot be used here"),
    "str.expandtabs": ("{{ '\t'.expandtabs(10**9) }}", "`expandtabs` of a text cannot be used here"),
    "str.translate": ("{{ 'a'.translate({97: 'x' * 10**6}) }}", "`translate` of a text cannot be used here"),
    "indent": ("{{ 'a' | indent(10**9) }}", "a width is a whole number up to 10,000"),
    "indent by a text": (f"{{{{ ('a\n' * 1000) | indent({LARGE}) }}}}", "a text of more than"),
    "replace": (f"{{{{ ({LARGE}) | replace('x', {LARGE}) }}}}", "a text of more than 1,000,000 characters"),
    "replace by name": (f"{{{{ ({LARGE}) | replace(old='x', new={LARGE}) }}}}", "a text of more than"),
    "str.replace": (f"{{{{ ({LARGE}).replace('', {LARGE}) }}}}", "a text of more than 1,000,000 characters"),
    "join": (f"{{{{ range(1000) | join({LARGE}) }}}}", "a text of more than 1,000,000 characters"),
    "join by name": (f"{{{{ range(1000) | join(d={LARGE}) }}}}", "a text of more than 1,000,000 characters"),
    "str.join": (f"{{{{ ({LARGE}).join(['a'] * 1000) }}}}", "a text of more than 1,000,000 characters"),
    "doubling with ~": (
        growing("'x'", "n.s ~ n.s"),
        "a text of more",
    ),
    "doubling with +": (
        growing("'x'", "n.s + n.s"),
        "a text of more",
    ),
    "doubling lists": (
        growing("[1]", "n.s + n.s"),
        "a list that",
    ),
    "lists of themselves": (
        growing("[1]", "[n.s, n.s]") + "{{ n.s | tojson }}",
        "a value that is too large",
    ),
    "comparing lists of themselves": (
        growing("[1]", "[n.s, n.s]") + "{{ n.s == [n.s] }}",
        "a value that is too large",
    ),
    "lists as deep as can be": (
        growing("[1]", "[n.s]", times=99) + "{{ n.s | tojson }}",
        "nest more than 64 levels deep",
    ),
    "an endless range": ("{{ range(10**30) }}", "a list that is too large"),
    "trim": ("{{ ('a' * 1000000) | trim('b' * 900000 ~ 'a') }}", "a width is a whole number up to 10,000"),
    "sorting copies": (f"{{{{ ([{LARGE}] * 1000) | sort | length }}}}", "a value that is too large"),
    "adding lists up": ("{{ ([[1] * 100] * 9999) | sum(start=[]) }}", "`sum` takes numbers"),
    "rounding": ("{{ 1.5 | round(10**9, 'ceil') }}", "a precision of up to 100 places"),
    "batches": ("{{ [1] | batch(10**9, 0) | list }}", "a width is a whole number up to 10,000"),
    "indented JSON": ("{{ [1] | tojson(indent=10**9) }}", "a width is a whole number up to 10,000"),
    "brackets in brackets": ("{{ " + "(" * 9999 + "1" + ")" * 9999 + " }}", "nests too deeply"),
    "a sum of thousands": ("{{ " + "1 + " * 9999 + "1 }}", "nests too deeply"),
    "blocks in blocks": ("{% if 1 %}" * 3000 + "{% endif %}" * 3000, "nests too deeply"),
    "a long template": ("a{{ 1 }}" * 9999, "longer than 65,536 characters"),
    "the classes of Python": (
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "`__class__` of a text cannot be used here",
    ),
    "the globals of a function": (
        "{{ namespace.__init__.__globals__ }}",
        "`__init__` of the function `Namespace` cannot",
    ),
    "the class by subscription": ("{{ ''['__class__'] }}", "`__class__` of a text cannot be used here"),
    "the class by a filter": (
        "{{ [''] | map(attribute='__class__') | list }}",
        "`__class__` of a text cannot be used here",
    ),
    "the class of a sorted thing": (
        "{{ ['', 'a'] | sort(attribute='__class__') }}",
        "`__class__` of a text cannot be used",
    ),
    "the object of a method": ("{{ csv.__self__ }}", "`__self__` of the function `csv` cannot be used here"),
    "the context": ("{{ self._TemplateReference__context }}", "`_TemplateReference__context` of this cannot"),
    "the environment": ("{{ self.__init__ }}", "`__init__` of this cannot be used here"),
    "the address of a function": ("{{ csv | string }}", "the function `csv` is not a value"),
    "the address of a method": ("{{ ''.join | string }}", "the function `join` is not a value"),
    "the address in a list": ("{{ [csv] | join }}", "the function `csv` is not a value"),
    "the address by format": ("{{ '%s' % csv }}", "the function `csv` is not a value"),
    "the address by ~": ("{{ csv ~ '' }}", "the function `csv` is not a value"),
    "the address in JSON": ("{{ [csv] | tojson }}", "the function `csv` is not a value"),
    "the address of a namespace": ("{{ namespace(a=csv) }}", "is not a value"),
    "the order of a set": ("{{ ({'a': 1}.keys() - {'b': 1}.keys()) | list }}", "unsupported operand"),
    "chance by a filter": ("{{ [1, 2] | random }}", "spec templates have no filter `random`"),
    "chance by a function": ("{{ lipsum() }}", "there is no function `lipsum`"),
    "the clock": ("{{ now() }}", "there is no function `now`"),
    "the surroundings": ("{{ environ.HOME }}", "`environ` is not defined here"),
    "another template": ("{% include '/etc/passwd' %}", "`{% include %}` is not part of spec templates"),
    "half of a surrogate pair": ("{{ '\\ud800' }}", "half of a surrogate pair"),
    "a key that is a mapping": ("{{ {{'a': 1}: 1} }}", "unhashable type"),
    "a key that is a list": ("{% if {[1]: 1} %}a{% endif %}", "unhashable type"),
    "a complex number": ("{{ (-8) ** 0.5 }}", "is not a value"),
    "a number that is not one": ("{{ 'nan' | float }}", "is not a number"),
}


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> dict[int, str]:
    """What is said of each attack, where a spec tries eight of them."""
    found: dict[int, str] = {}
    for start in range(0, len(ATTACKS), 8):
        templates = [quoted(text) for text, _ in [*ATTACKS.values()][start : start + 8]]
        jobs = "".join(f'  j{n}: {{model: {MODEL}, prompt: "{text}"}}\n' for n, text in enumerate(templates))
        said = refused(tmp_path_factory.mktemp("attacked"), HEAD + "jobs:\n" + jobs)
        places = (complaint.partition(": error:") for complaint in said.split("\n\n"))
        found |= {start + int(place.split(":")[1]) - 4: complaint for place, _, complaint in places}
    return found


@pytest.mark.parametrize("number", range(len(ATTACKS)), ids=list(ATTACKS))
def test_a_template_that_attacks_is_refused_at_its_place(number: int, attacked: dict[int, str]) -> None:
    _, said = [*ATTACKS.values()][number]
    assert said in attacked[number]
    assert " at 0x" not in attacked[number]


def shared(start: str, twice: str, times: int = 40) -> str:
    """Return a template of two values that hold themselves twice, time after time: small, and endless to walk."""
    step = f"{{% set n.a = {twice.replace('x', 'n.a')} %}}{{% set n.b = {twice.replace('x', 'n.b')} %}}"
    return f"{{% set n = namespace(a={start}, b={start}) %}}{{% for i in range({times}) %}}{step}{{% endfor %}}"


USES = (
    *("{% for x in [n.a, n.b] %}{{ loop.changed(x) }}{% endfor %}", "{{ csv(n.a) }}", "{{ outputs(n.a) }}"),
    *("{{ vars[n.a] }}", "{{ {n.a: 1} }}", "{{ vars.get(n.a) }}", "{{ n.a in {} }}", "{{ n.a == n.b }}"),
    *("{{ n.a in [n.b] }}", "{{ [n.a, n.b] | sort }}", "{{ [n.a, n.b] | unique | list }}", "{{ [n.a, n.b] | max }}"),
    *("{{ n.a | tojson }}", "{{ dict([(n.a, 1)]) }}", "{{ [n.b].index(n.a) }}", "{{ file(n.a) }}", "{{ n.a }}"),
)


@pytest.mark.parametrize(
    ("start", "twice"), [("[1]", "[x, x]"), ("(1,)", "(x, x)"), ("{}", "{'k': x, 'l': x}"), ("[1]", "[x] * 2")]
)
def test_a_value_that_shares_its_parts_is_refused_where_it_is_made_whatever_it_is_for(
    start: str, twice: str, tmp_path: Path
) -> None:
    templates = [quoted(shared(start, twice) + use) for use in USES]
    jobs = "".join(f'  j{n}: {{model: {MODEL}, prompt: "{text}"}}\n' for n, text in enumerate(templates))
    said = refused(tmp_path, HEAD + "jobs:\n" + jobs)
    assert said.count("the template makes a value that is too large") == len(USES)
    assert said.count(": error:") == len(USES)
    line, column = map(int, said.split(":")[1:3])
    assert jobs.split("\n")[line - 4][column - 1 :].startswith("set n.")


@pytest.mark.parametrize("use", ["n.a == n.b", "n.a in [n.b]", "loop.changed([n.a, n.b][i % 2])"])
def test_what_may_just_be_made_may_be_handled_only_so_often(use: str, tmp_path: Path) -> None:
    said = refused(tmp_path, prompt(shared("[1]", "[x, x]", times=17) + loop("{{ " + use + " }}")))
    assert "takes more than 2,000,000 steps" in said


# These come to an end only because steps are counted.
ENDLESS: dict[str, str] = {
    "loops in loops": loop(loop(loop(""))),
    "a loop with a long body": loop("{% if i %}{% endif %}" * 2000),
    "a long range": "{{ range(10**9) }}",
    "many large texts": "".join(f"{{% set a{n} = 'x' * 999000 ~ {n} %}}" for n in range(900)),
    "many large lists": "".join(f"{{% set a{n} = [1] * 1000000 %}}" for n in range(900)),
    "comparing large texts": SET + "{% set b = 'x' * 999999 ~ 'y' %}" + loop("{% if a == b %}{% endif %}"),
    "searching a large text": SET + loop("{% if 'xy' in a %}{% endif %}"),
    "slicing a large text": SET + loop("{% if a[1:] %}{% endif %}"),
    "searching backwards": "{{ ('a' * 1000000).rfind('b' ~ 'a' * 500000) }}",
    "stripping": "{{ ('a' * 1000000).strip('b' * 900000 ~ 'a') }}",
    "mapping copies": f"{{{{ ([{LARGE}] * 60) | map('upper') | list | length }}}}",
    "many small parts": shared("[1]", "x | batch(1) | list + x | batch(1) | list"),
    "a test in a list": "{{ range(99999) | select('in', range(99999)) | list }}",
}


@pytest.mark.parametrize("name", ENDLESS)
def test_a_template_that_would_not_end_is_refused_at_its_place(name: str, tmp_path: Path) -> None:
    said = refused(tmp_path, prompt(ENDLESS[name]))
    place, _, complaint = said.partition(": error: ")
    assert complaint.startswith("template failed\n  the template takes more than 2,000,000 steps\n")
    assert place.startswith("spec.yaml:6:")


def test_a_bomb_in_every_cell_costs_no_more_than_one(tmp_path: Path) -> None:
    bomb = loop(loop("")) + "{{ n }}"
    said = refused(tmp_path, prompt(bomb, 'matrix: {n: "{{ range(99999) }}"}'))
    assert "takes more than 2,000,000 steps" in said
    assert "for example shots[n=0]" in said


def test_large_prompts_of_many_cells_are_refused_before_they_fill_the_memory(tmp_path: Path) -> None:
    said = refused(tmp_path, prompt("{{ 'x' * 900000 }}{{ n }}", 'matrix: {n: "{{ range(99999) }}"}'))
    assert "takes more than 2,000,000 steps" in said


DATA: dict[str, tuple[str, str | bytes, str]] = {
    "a CSV of millions of rows": ("csv('data')", "a\n" + "1\n" * (6 * MEGABYTE), "more than some 2,000,000 values"),
    "a CSV of one endless field": ("csv('data')", 'a\n"' + "x" * (8 * MEGABYTE), "field larger than field limit"),
    "a JSON of millions of lists": (
        "json('data')",
        "[" + "[]," * (4 * MEGABYTE) + "[]]",
        "more than some 2,000,000 values",
    ),
    "a JSON as deep as can be": ("json('data')", "[" * 100_000 + "]" * 100_000, "too deeply"),
    "a JSON a little too deep": ("json('data')", "[" * 70 + "]" * 70, "nest more than 64 levels deep"),
    "a JSON number of many digits": ("json('data')", "9" * 5000, "json('data'): "),
    "a JSON number beyond all floats": ("json('data')", "[1e999]", "a number is not finite"),
    "a JSON with half of a surrogate pair": ("json('data')", '["\\ud800"]', "half of a surrogate pair"),
    "a YAML of aliases": (
        "yaml('data')",
        "a: &a [x, x]\n" + "".join(f"{c}: &{c} [{', '.join(['*' + chr(ord(c) - 1)] * 10)}]\n" for c in "bcdefghi"),
        "too many values",
    ),
    "17 MiB of lines": ("lines('data')", "a\n" * (9 * MEGABYTE), "the file is over 16 MiB"),
    "a text that is no UTF-8": ("text('data')", b"a\n\xff", "line 2 has a byte that is not UTF-8"),
}


@pytest.mark.parametrize("name", DATA)
def test_a_hostile_data_file_is_refused_at_the_call_that_reads_it(name: str, tmp_path: Path) -> None:
    call, content, said = DATA[name]
    (tmp_path / "data").write_bytes(content if isinstance(content, bytes) else content.encode())
    complaint = refused(tmp_path, job(f'prompt: a\nmatrix: {{a: "{{{{ {call} }}}}"}}'))
    assert "spec.yaml:7:21: error: template failed" in complaint
    assert said in complaint


OUTSIDE = {
    "..": "../secret.txt",
    "an absolute path": "/etc/passwd",
    "a home": "~/secret.txt",
    "a symlink to a file": "link.txt",
    "a symlink to a folder": "links/secret.txt",
    "a symlink to itself": "loop/x",
    "a symlink and ..": "inside/../../secret.txt",
    "a backslash": "..\\\\secret.txt",
    "a NUL": "a\\\\0b",
    "a name that is too long": "x" * 5000,
    "a name that is no UTF-8": "\\\\ud800",
}


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a secret beside it, and links that lead there."""
    project = tmp_path_factory.mktemp("outside") / "project"
    (project / "inside").mkdir(parents=True)
    (project.parent / "secret.txt").write_text("the secret")
    (project / "link.txt").symlink_to("../secret.txt")
    (project / "links").symlink_to("..")
    (project / "loop").symlink_to("loop")
    return project


@pytest.mark.parametrize("function", ["text", "file", "glob"])
def test_no_function_reads_outside_the_project(function: str, outside: Path) -> None:
    jobs = [
        f"  j{n}: {{model: {MODEL}, prompt: \"{{{{ {function}('{path}') }}}}\"}}"
        for n, path in enumerate(OUTSIDE.values())
    ]
    said = refused(outside, HEAD + "jobs:\n" + "\n".join(jobs))
    for line, name in enumerate(OUTSIDE, start=4):
        assert f"spec.yaml:{line}:" in said, name
    assert "the secret" not in said


@pytest.mark.parametrize("template", ["{{ file('photos/../../secret.png') }}", "{{ glob('*/../../*.png') }}"])
def test_no_image_comes_from_outside_the_project(template: str, tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "photos").mkdir(parents=True)
    (tmp_path / "secret.png").write_bytes(b"\x89PNG")
    said = refused(project, prompt("a", f'params: {{image: "{template}"}}'))
    assert "leads out of the project" in said


RUNS: dict[str, tuple[str, str]] = {
    "a product of millions": (
        'prompt: a\nmatrix: {a: "{{ range(1000) }}", b: "{{ range(1000) }}"}',
        "crosses to 1,000,000 runs",
    ),
    "a product beyond counting": (
        "prompt: a\nmatrix:\n" + "".join(f"  a{n}: [1, 2]\n" for n in range(200)),
        "too many runs",
    ),
    "billions of samples": ("prompt: a\nsamples: 4000000000", "has 4,000,000,000 samples, more than max_runs"),
    "billions of images": ("prompt: a\nparams: {n: 4000000000}", "too many images"),
    "millions of images": ('prompt: a\nmatrix: {a: "{{ range(20000) }}"}\nparams: {n: 1000}', "too many images"),
    "runs that clash by the thousand": (
        'prompt: "{{ a }}"\nmatrix: {a: "{{ range(20000) }}"}\noutput: a',
        "in 19,999 runs",
    ),
    "values that clash by the thousand": (
        'prompt: "{{ a }}"\nmatrix: {a: "{{ [1] * 99999 }}"}',
        "99,997 more like that",
    ),
    "faults by the thousand": ('prompt: "{{ a.b }}"\nmatrix: {a: "{{ range(20000) }}"}', "in 20,000 runs"),
}


@pytest.mark.parametrize("name", RUNS)
def test_more_runs_than_anyone_means_are_refused_at_once(name: str, tmp_path: Path) -> None:
    text, said = RUNS[name]
    assert said in refused(tmp_path, job(text))
