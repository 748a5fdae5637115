// Which addresses and host names mean this machine alone.

/** @param host an address to listen on, or the host of a URL without its port */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  return name === "localhost" || name === "::1" || name === "[::1]" || /^127(\.\d{1,3}){3}$/.test(name);
}

/** @param name begins the line @param host listened on */
export function warnOfOpenHost(name: string, host: string): void {
  if (isLoopback(host)) return;
  console.error(`${name}: WARNING: there is no authentication, and HOST=${host} lets other machines reach this server`);
}
