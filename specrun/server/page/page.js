// Everything shown is set as text, never as HTML: prompts and model descriptions stay inert.

const byId = (id) => document.getElementById(id);
const form = byId("request");
const schemas = new Map();
const HANDLED = new Set(["model", "prompt", "response_format"]);

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

async function ask(path, options = {}) {
  const headers = { ...options.headers };
  if (byId("key").value) headers.Authorization = `Bearer ${byId("key").value}`;
  const response = await fetch(path, { ...options, headers }).catch(() => {
    throw new Error("The server cannot be reached; is it still running?");
  });
  const document_ = await response.json();
  if (response.status === 401) form.querySelector(".key").hidden = false;
  if (!response.ok) throw new Error(document_.error.message);
  return document_;
}

function complain(error) {
  byId("problem").textContent = error ? error.message : "";
  byId("problem").hidden = !error;
}

async function showHealth() {
  const health = await ask("healthz");
  const images = health.billed_images === 1 ? "1 image" : `${health.billed_images} images`;
  byId("health").textContent = `${health.engine} engine · ${images} since start`;
}

const written = (value) => (typeof value === "string" ? value : JSON.stringify(value));

function option(choice) {
  return element("option", { value: JSON.stringify(choice), textContent: written(choice) });
}

// What was written for a parameter that may be no text: a number, a list, or a text after all.
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function field(name, schema, required, takesImages) {
  const title = schema.title ?? name;
  const choices = schema.enum ?? (schema.type === "boolean" ? [true, false] : null);
  const placeholder = schema.default === undefined ? "" : written(schema.default);
  let input;
  if (takesImages) {
    input = element("input", { type: "file", accept: "image/*", multiple: schema.type === "array" });
  } else if (choices) {
    input = element("select", {}, ...choices.map(option));
    if (!required && schema.default === undefined) input.prepend(element("option", { value: "" }));
    input.value = schema.default === undefined ? input.options[0].value : JSON.stringify(schema.default);
  } else if (schema.type === "integer" || schema.type === "number") {
    input = element("input", { type: "number", step: schema.type === "integer" ? 1 : "any" });
    if (schema.minimum !== undefined) input.min = schema.minimum;
    if (schema.maximum !== undefined) input.max = schema.maximum;
    input.placeholder = placeholder;
  } else {
    input = element("input", { type: "text", placeholder });
  }
  input.name = name;
  input.required = required;
  input.dataset.type = choices || schema.type !== "string" ? "json" : "text";
  const label = element("label", { title: schema.description ?? "" }, `${title} `, input);
  if (takesImages || name === "negative_prompt") label.className = "wide";
  return label;
}

async function chooseModel(id) {
  byId("model").value = id;
  if (!schemas.has(id)) schemas.set(id, await ask(`v1/models/${encodeURIComponent(id)}`));
  if (byId("model").value !== id) return;
  const { description, inputs, schema } = schemas.get(id);
  byId("about").textContent = description;
  const fields = Object.entries(schema.properties)
    .filter(([name]) => !HANDLED.has(name))
    .map(([name, property]) => field(name, property, (schema.required ?? []).includes(name), inputs.includes(name)));
  byId("parameters").replaceChildren(...fields);
  for (const card of byId("catalogue").children) card.ariaPressed = String(card.dataset.id === id);
  showCurl(await body());
}

function dataUrl(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

function valueOf(input) {
  if (input.type === "number") return input.valueAsNumber;
  return input.dataset.type === "json" ? parsed(input.value) : input.value;
}

async function body() {
  const request = { model: byId("model").value, prompt: byId("prompt").value };
  for (const input of byId("parameters").querySelectorAll("input, select")) {
    if (input.type === "file") {
      const images = await Promise.all([...input.files].map(dataUrl));
      if (images.length) request[input.name] = input.multiple ? images : images[0];
    } else if (input.value !== "") {
      request[input.name] = valueOf(input);
    }
  }
  return request;
}

// The command for a request; an image, which nobody reads, can be left out of what is shown.
function curl(request, { images }) {
  const told = JSON.stringify(request, (_, value) =>
    !images && typeof value === "string" && value.startsWith("data:") ? `${value.slice(0, 40)}…` : value, 2);
  const key = byId("key").value ? "  --header 'Authorization: Bearer …' \\\n" : "";
  return `curl '${new URL("v1/images/generations", location.href)}' \\\n${key}` +
    `  --header 'Content-Type: application/json' \\\n  --data '${told.replaceAll("'", "'\\''")}'`;
}

function showCurl(request) {
  byId("curl").textContent = curl(request, { images: false });
}

async function copy() {
  const said = await navigator.clipboard.writeText(curl(await body(), { images: true })).then(
    () => "Copied", () => "Could not be copied");
  byId("copy").textContent = said;
  setTimeout(() => { byId("copy").textContent = "Copy"; }, 1500);
}

// Real weights take their time: the button counts it.
function working() {
  const button = form.querySelector("button");
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const told = button.textContent;
  const clock = setInterval(() => { button.textContent = `Drawing… ${Math.floor(seconds())} s`; }, 1000);
  button.disabled = true;
  button.textContent = "Drawing…";
  byId("images").ariaBusy = "true";
  return () => {
    clearInterval(clock);
    button.disabled = false;
    button.textContent = told;
    byId("images").ariaBusy = "false";
    return seconds();
  };
}

function figures(request, images, seconds) {
  return images.map(({ url }, index) => {
    const link = element("a", { href: url }, element("img", { src: url, alt: request.prompt }));
    const caption = `${request.model}, image ${index + 1} of ${images.length}, ${seconds.toFixed(2)} s`;
    return element("figure", {}, link, element("figcaption", { textContent: caption }));
  });
}

async function draw(event) {
  event.preventDefault();
  complain(null);
  const done = working();
  try {
    const request = await body();
    showCurl(request);
    const { data } = await ask("v1/images/generations", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(request),
    });
    byId("images").replaceChildren(...figures(request, data, done()));
    if (byId("images").getBoundingClientRect().top > innerHeight / 2) byId("images").scrollIntoView();
    await showHealth();
  } catch (error) {
    complain(error);
  } finally {
    done();
  }
}

function card(model) {
  const price = model.price ? `${model.price.amount} ${model.price.currency} an image at the service` : "price unknown";
  const button = element("button", { type: "button" },
    element("b", { textContent: model.id }),
    element("span", { textContent: model.description }),
    element("small", { textContent: `${model.modes.join(", ")} · ${price}` }));
  button.dataset.id = model.id;
  button.addEventListener("click", () => {
    chooseModel(model.id).catch(complain);
    form.scrollIntoView({ behavior: "smooth" });
  });
  return button;
}

async function start() {
  complain(null);
  const { data } = await ask("v1/models");
  byId("model").replaceChildren(...data.map(({ id }) => element("option", { value: id, textContent: id })));
  byId("catalogue").replaceChildren(...data.map(card));
  await chooseModel(data[0].id);
  await showHealth();
}

form.addEventListener("submit", draw);
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});
byId("copy").addEventListener("click", copy);
form.addEventListener("input", async () => showCurl(await body()));
byId("model").addEventListener("change", () => chooseModel(byId("model").value).catch(complain));
byId("key").addEventListener("change", () => start().catch(complain));
start().catch(complain);
