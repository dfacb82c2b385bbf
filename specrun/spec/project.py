"""Where the project starts, and what its `specrun.yaml` says."""

import re
from collections.abc import Mapping as AnyMapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec.structs import replace

from specrun.canonical import canonical_digest
from specrun.diagnostics import Collector, did_you_mean
from specrun.model.project import Budget, Dialect, Project, Provider
from specrun.model.run import Price
from specrun.secrets import names_a_variable
from specrun.spec.nodes import Mapping, Node, Scalar, plain
from specrun.spec.places import check_places
from specrun.spec.reader import Reader, entries
from specrun.spec.root import PROJECT_FILE, project_root
from specrun.spec.store import read_store
from specrun.spec.yaml import parse_yaml, read_source
from specrun.urls import url_fault

BUILT_IN: AnyMapping[str, Provider] = {
    "modelverse": Provider(
        name="modelverse", base_url="https://api.modelverse.cn/v1", api_key_env="MODELVERSE_API_KEY"
    ),
    "ark": Provider(name="ark", base_url="https://ark.cn-beijing.volces.com/api/v3", api_key_env="ARK_API_KEY"),
    "sandbox": Provider(name="sandbox", base_url=None),
}

_KEYS = ("provider", "providers", "outputs", "allow_outside", "budget", "prices", "store")
_PROVIDER_KEYS = (
    "base_url",
    "api_key_env",
    "concurrency",
    "rpm",
    "timeout",
    "retry_for",
    "dialect",
    "allow_private",
)
_PROVIDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_MONEY = re.compile(r"(?P<before>[A-Z]{3})?(?P<amount>[0-9]+(\.[0-9]+)?)(?(before)|(?P<after>IMAGES?|[A-Z]{3}))")
_IMAGES = ("IMAGE", "IMAGES")
_CURRENCY = re.compile(r"[A-Z]{3}")


def load_project(start: Path) -> Project:
    """Find the project of a spec's folder and read its settings; raise `InvalidInputError` with every fault.

    No link takes its outputs, or what it remembers, out of its folder, unless the settings allow it.
    """
    project = _load(project_root(start))
    check_places(project)
    return project


def _load(root: Path) -> Project:
    path = root / PROJECT_FILE
    bare = Project(root=root, providers=dict(BUILT_IN), outputs=root / "outputs")
    if not path.exists():
        return bare
    source = read_source(path, PROJECT_FILE)
    if all(line.lstrip().startswith("#") or not line.strip() for line in source.text.split("\n")):
        return bare  # it only marks the root
    node = parse_yaml(source)
    faults = Collector()
    project = _read(Reader(faults), node, bare)
    faults.stop_on_errors()
    return replace(project, digest=canonical_digest(plain(node)))


def _read(read: Reader, node: Node, project: Project) -> Project:
    fields = read.fields(node, PROJECT_FILE, _KEYS)
    if fields is None:
        return project
    providers = dict(project.providers)
    section = fields.get("providers")
    if section is not None:
        for name, key, value in entries(read.mapping(section, "providers")):
            if not _PROVIDER_NAME.fullmatch(name):
                read.fail(key, "unusable name", f'"{name}" cannot name a provider', "use letters, digits, . _ -")
            providers[name] = _provider(read, name, key, value)
    default = _default_provider(read, fields, providers) or project.default_provider
    budget, store, outside = (fields.get(name) for name in ("budget", "store", "allow_outside"))
    project = replace(project, allow_outside=outside is not None and read.boolean(outside, "allow_outside") is True)
    return replace(
        project,
        providers=providers,
        default_provider=default,
        outputs=_outputs(read, fields.get("outputs"), project),
        budget=Budget() if budget is None else read_budget(read, budget),
        prices=_prices(read, fields.get("prices")),
        store=None if store is None else read_store(read, store),
    )


def _prices(read: Reader, node: Node | None) -> dict[str, Price]:
    """Read `prices: {vendor/model: {CNY: 0.08}}`."""
    prices = {}
    for model, key, value in entries(None if node is None else read.mapping(node, "prices")):
        budget = read_budget(read, value, f"price of {model}")
        if len(budget.cost) == 1 and budget.images is None:
            prices[model] = budget.cost[0]
        elif not read.faults.failed:
            read.fail(key, "not a price", f"the price of {model} is one currency and amount", "as in {CNY: 0.08}")
    return prices


def _default_provider(read: Reader, fields: Mapping, providers: AnyMapping[str, Provider]) -> str | None:
    node = fields.get("provider")
    name = None if node is None else read.text(node, "provider")
    if node is not None and name is not None and name not in providers:
        hint = did_you_mean(name, providers) or f"known: {', '.join(sorted(providers))}"
        read.fail(node, "unknown provider", f'no provider is called "{name}"', hint)
    return name


def _provider(read: Reader, name: str, key: Scalar, node: Node) -> Provider:
    base = BUILT_IN.get(name, Provider(name=name, base_url=""))
    fields = read.fields(node, f"provider {name}", _PROVIDER_KEYS)
    if fields is None:
        return base
    provider = base
    for field, _, value in entries(fields):
        setting = _setting(read, f"{name}.{field}", field, value) if field in _PROVIDER_KEYS else None
        if setting is not None:
            provider = replace(provider, **{field: setting})
    if provider.base_url == "" and fields.get("base_url") is None:
        hint = "add base_url: https://…/v1, the part of the address before /images/generations"
        read.fail(key, "missing key", f"provider {name} has no base_url", hint)
    return provider


def _setting(read: Reader, what: str, field: str, node: Node) -> Any:
    match field:
        case "base_url":
            return _base_url(read, what, node)
        case "api_key_env":
            return _env_name(read, what, node)
        case "timeout" | "retry_for":
            return read.number(node, what)
        case "allow_private":
            return read.boolean(node, what)
        case "dialect":
            return _dialect(read, what, node)
        case _:
            return read.integer(node, what)


def _base_url(read: Reader, what: str, node: Node) -> str | None:
    url = read.text(node, what)
    if url is None:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = None
    if "@" in url or "?" in url or "#" in url:
        detail = f"{what} holds more than an address: a user name, a password, a query or a fragment"
        read.fail(node, "secret in a file", detail, "name a variable in api_key_env, and set the key there")
        return None
    fault = url_fault(url)
    if parts is None or fault:
        hint = "start it with https:// or http://, as in https://api.example.com/v1"
        read.fail(node, "unusable URL", f"{what} leads nowhere: {fault}", hint)
        return None
    return url.rstrip("/")


def _env_name(read: Reader, what: str, node: Node) -> str | None:
    name = node.value if isinstance(node, Scalar) else None
    if isinstance(name, str) and names_a_variable(name):
        return name
    # Whatever it is instead may be the key, and is not repeated.
    detail = f"{what} is the name of an environment variable"
    read.fail(node, "not a variable's name", detail, "as in MY_API_KEY; never the key itself")
    return None


def _dialect(read: Reader, what: str, node: Node) -> Dialect | None:
    name = read.text(node, what)
    known = [dialect.value for dialect in Dialect]
    if name is not None and name not in known:
        read.fail(node, "unknown dialect", f'{what} is "{name}"', f"known: {', '.join(known)}")
        return None
    return None if name is None else Dialect(name)


def _outputs(read: Reader, node: Node | None, project: Project) -> Path:
    name = None if node is None else read.text(node, "outputs")
    if node is None or name is None:
        return project.outputs
    folder = (project.root / name).resolve()
    inside = project.allow_outside or folder.is_relative_to(project.root)
    if "\\" in name or project.root.is_relative_to(folder) or not inside:
        read.fail(node, "path leaves the project", f'outputs is "{name}"', "name a folder inside the project")
    return folder


def read_budget(read: Reader, node: Node, what: str = "budget") -> Budget:
    """Read `{images: 100, CNY: 25.00}`."""
    images = None
    cost = []
    for name, key, value in entries(read.mapping(node, what, _in_braces(node))):
        if name == "images":
            images = read.integer(value, f"{what}.images", minimum=0)
        elif not _CURRENCY.fullmatch(name):
            detail = f'"{name}" is neither `images` nor a currency'
            read.fail(key, "unknown key", detail, "use a currency's three letters, as in CNY")
        elif (amount := _amount(read, f"{what}.{name}", value)) is not None:
            cost.append(Price(amount=amount, currency=name))
    return Budget(cost=tuple(cost), images=images)


def _in_braces(node: Node) -> str:
    """Say how an amount with its currency, written as people do, is written here."""
    words = node.text.split() if isinstance(node, Scalar) else []
    found = _MONEY.fullmatch("".join(words).upper())
    if found is None:
        return "write it as {CNY: 25.00}"
    currency, amount = found["before"] or found["after"], found["amount"]
    return f"write it as {{{'images' if currency in _IMAGES else currency}: {amount}}}"


def _amount(read: Reader, what: str, node: Node) -> Decimal | None:
    """Read an amount exactly: from the text as written, not through a binary float."""
    try:
        amount = Decimal(node.text) if isinstance(node, Scalar) else None
    except InvalidOperation:
        amount = None
    if amount is None or not amount.is_finite() or amount < 0:
        read.fail(node, "not an amount", f"{what} is an amount of money", "as in 25.00")
        return None
    return amount
