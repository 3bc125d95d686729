/* Before the first paint: the remembered colour scheme. A plain script, so that nothing flashes. */
try {
  const scheme = localStorage.getItem("gaitway.scheme");
  if (scheme === "light" || scheme === "dark") document.documentElement.dataset.scheme = scheme;
} catch {
  // Storage is blocked: the system's scheme stands.
}
