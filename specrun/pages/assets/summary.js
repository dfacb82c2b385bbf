// The page is whole without this; it only lets a reader choose its colours.

wear(remembered());
byId("theme").addEventListener("click", changeTheme);
