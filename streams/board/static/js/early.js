// Before the first paint: the theme and language chosen last, so that nothing flashes.
(() => {
  const read = (name) => {
    try {
      return localStorage.getItem(`callstreams.${name}`);
    } catch {
      return null; // storage may be forbidden
    }
  };
  const root = document.documentElement;
  const theme = read("theme");
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  const asked = new URLSearchParams(location.search);
  if (asked.has("wall") || read("wall") === "yes") root.dataset.wall = "yes";
  const language = asked.get("lang") || read("language") || navigator.language || "en";
  root.lang = language.toLowerCase().startsWith("zh") ? "zh-CN" : "en";
})();
