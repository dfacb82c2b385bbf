// What the page holds: tiles, and the facets in which they differ.

const sheet = JSON.parse(byId("sheet").textContent);
const tiles = sheet.tiles;
const facetNamed = new Map(sheet.facets.map((facet, number) => [facet.name, { ...facet, number }]));

tiles.forEach((tile, number) => {
  tile.number = number;
  tile.id = tile.index ? `${tile.address}#${tile.index}` : tile.address;
  tile.status = sheet.statuses[tile.status ?? 0];
  tile.prompt = sheet.prompts[tile.prompt ?? 0];
  tile.params = sheet.params[tile.params ?? 0];
  tile.axes ??= [];
});
const tileNamed = new Map(tiles.map((tile) => [tile.id, tile]));

// The number of a tile's value on a facet, -1 where it has none.
const placeOf = (tile, facet) => tile.at[facet.number];

const isMade = (tile) => Boolean(tile.before || (tile.image && !tile.image.drawn));

// How many images tiles come to; runs that have none are not counted as images.
function tally(found) {
  const made = found.filter(isMade).length;
  const drawn = found.filter((tile) => !isMade(tile) && tile.image).length;
  const without = new Set(found.filter((tile) => !tile.image && !tile.before).map((tile) => tile.address)).size;
  const parts = [
    made && counted(made, sheet.noun),
    drawn && `${made ? figure(drawn) : counted(drawn, sheet.noun)} to be made`,
    without && `${counted(without, "run")} without ${made || drawn ? "one" : `an ${sheet.noun}`}`,
  ];
  return parts.filter(Boolean).join(", ") || counted(0, sheet.noun);
}

// The labels that tell a tile from its neighbours, once the layout has said some of them.
function labelsOf(tile, said) {
  const labels = sheet.facets
    .map((facet, number) => [facet, tile.at[number]])
    .filter(([facet, place]) => place >= 0 && facet.name !== "status" && !said.has(facet.name))
    .filter(([facet]) => facet.axis || facet.name === "image")
    .map(([facet, place]) => (facet.name === "image" ? `image ${facet.values[place]}` : facet.values[place]));
  return labels.length ? labels.join(" · ") : said.size ? "" : tile.address;
}

let haystacks = null;

function haystack(tile) {
  haystacks ??= tiles.map((each) =>
    [
      each.prompt,
      each.address,
      each.model,
      each.provider,
      each.seed,
      each.note,
      each.status.word,
      ...each.params.map(([name, value]) => `${name}=${value} ${name}: ${value}`),
    ]
      .join("\n")
      .toLowerCase(),
  );
  return haystacks[tile.number];
}
