// Randomness as a port: jitter and names come from here, so a simulated run can be repeated.

export interface Random {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** A name that nobody else will draw: letters, digits and dashes. */
  name(): string;
}
