// Every subject and name on the broker, in one place. Names from outside become one token each, whatever they contain.

export interface Subjects {
  /** One partition of a service, as used by the two functions below. */
  place(service: string, partition: string): string;
  /** Commands to a place through a stream, which stores them. */
  commands(place: string): string;
  /** Commands to a place directly to its subscribers. */
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
  /** Requests about a topic outside transactions. */
  requests(topic: string): string;
  /** The same to all instances of the topic, for requests that one of them has not answered. */
  requestsToAll(topic: string): string;
  /** Replies to one process: `<replies>.<number>`, and for a stored message `<replies>.<number>.stored`. */
  replies(processName: string): string;
  /** Fetch requests of a serving process: `<work>.<number>` reports how one ended. */
  work(processName: string, serving: number): string;
  /** The stream of a service's commands. */
  stream(service: string): string;
  /** The consumer that all instances of a service share; also the name of their queue group. */
  consumer(service: string): string;
}

/** @param prefix separates systems that share a broker */
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

/** Characters other than letters, digits, dash and underscore are written as %XX; an empty name as %. */
function token(name: string): string {
  const encoded = encodeURIComponent(name.toWellFormed()).replace(
    /[.!~*'()]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return encoded === "" ? "%" : encoded;
}
