// Every subject and name on the broker, in one place. Names from outside become one token each, whatever they hold.

export interface Subjects {
  /** One partition of a service, as the two below take it. */
  place(service: string, partition: string): string;
  /** Commands to a place by way of a stream, which stores them. */
  commands(place: string): string;
  /** Commands to a place straight to whoever listens. */
  direct(place: string): string;
  /** The same to any partition of a service. */
  allCommands(service: string): string;
  allDirect(service: string): string;
  /** Commands to a place at one instance, and to any partition of a service there. */
  atInstance(processName: string, place: string): string;
  allAtInstance(processName: string, service: string): string;
  /** Where instances of a service announce themselves. */
  presence(service: string): string;
  allPresence(): string;
  /** Questions to a coordinator service (P6). */
  questions(coordinator: string): string;
  /** Requests about a topic that are no part of a transaction. */
  requests(topic: string): string;
  /** The same to all instances of the topic, for requests that one of them has not answered. */
  requestsToAll(topic: string): string;
  /** What comes back to one process: `<replies>.<number>`, and for a stored message `<replies>.<number>.stored`. */
  replies(processName: string): string;
  /** What a process that serves a service asks the broker for: `<work>.<number>` says how a request for work ended. */
  work(processName: string, serving: number): string;
  /** The stream of a service's commands. */
  stream(service: string): string;
  /** The consumer that all instances of a service share; also the name of their queue group. */
  consumer(service: string): string;
}

/** @param prefix keeps systems apart that share a broker */
export function subjectsOf(prefix: string): Subjects {
  const root = token(prefix);
  return {
    place: (service, partition) => `${token(service)}.${token(partition)}`,
    commands: (place) => `${root}.commands.${place}`,
    direct: (place) => `${root}.direct.${place}`,
    allCommands: (service) => `${root}.commands.${token(service)}.*`,
    allDirect: (service) => `${root}.direct.${token(service)}.*`,
    atInstance: (processName, place) => `${root}.instances.${token(processName)}.${place}`,
    allAtInstance: (processName, service) => `${root}.instances.${token(processName)}.${token(service)}.*`,
    presence: (service) => `${root}.presence.${token(service)}`,
    allPresence: () => `${root}.presence.*`,
    questions: (coordinator) => `${root}.questions.${token(coordinator)}`,
    requests: (topic) => `${root}.requests.${token(topic)}`,
    requestsToAll: (topic) => `${root}.requests-to-all.${token(topic)}`,
    replies: (processName) => `${root}.replies.${token(processName)}`,
    work: (processName, serving) => `${root}.work.${token(processName)}.${serving}`,
    stream: (service) => `${root}-commands-${token(service)}`,
    consumer: (service) => `${root}-${token(service)}`,
  };
}

/** Whatever is not a letter, digit, dash or underscore is written as %XX; nothing at all as %. */
function token(name: string): string {
  const encoded = encodeURIComponent(name.toWellFormed()).replace(
    /[.!~*'()]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return encoded === "" ? "%" : encoded;
}
