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
