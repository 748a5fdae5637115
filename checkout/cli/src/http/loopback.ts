// Addresses and host names that mean this machine only.

/** @param host an address to listen on, or the host of a URL without its port */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  return name === "localhost" || name === "::1" || name === "[::1]" || /^127(\.\d{1,3}){3}$/.test(name);
}

/** @param name begins the line @param host the listening address */
export function warnOfOpenHost(name: string, host: string): void {
  if (isLoopback(host)) return;
  console.error(`${name}: WARNING: HOST=${host} exposes this server to other machines, and it has no authentication`);
}
