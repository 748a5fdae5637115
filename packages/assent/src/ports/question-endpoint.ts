// The endpoint of a coordinator's questions, whichever transport brings them.
import {
  type Decoded,
  decoded,
  decodeQuestions,
  encodeQuestionAnswers,
  type Question,
  type QuestionAnswer,
} from "../protocol/index.ts";

/** Takes one message of questions; answers one message of answers, in their order. @throws {UndecodableMessage} */
export function questionEndpoint(
  answer: (question: Question) => Promise<QuestionAnswer | undefined>,
  onFailure: (error: unknown) => void,
): (message: Uint8Array) => Promise<Uint8Array> {
  // What is not known now is asked again later; it keeps no other branch from an answer (R6).
  const answerOrWait = async (item: Decoded<Question>): Promise<QuestionAnswer> => {
    try {
      return (await answer(decoded(item))) ?? { kind: "wait" };
    } catch (error) {
      onFailure(error);
      return { kind: "wait" };
    }
  };
  return async (message) => encodeQuestionAnswers(await Promise.all(decodeQuestions(message).map(answerOrWait)));
}
