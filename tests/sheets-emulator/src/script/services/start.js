// Runs first: the one way out to the emulator. Arguments and answers are JSON; a refusal becomes an Error.
globalThis.__google = (function (ask, facts) {
  const host = (service, call) => {
    const answer = JSON.parse(ask(service, JSON.stringify(call)));
    if (answer.killed) for (;;);  // the engine ends the run here: no catch and no finally block sees it
    if (answer.thrown !== undefined) throw new Error(answer.thrown);
    return answer.value;
  };
  const google = { host, facts: JSON.parse(facts) };
  // Last: calls a function of the script with the event, if there is one.
  google.run = (name, event, optional) => {
    const run = globalThis[name];
    if (typeof run === 'function') run(event === '' ? undefined : google.event(JSON.parse(event)));
    else if (!optional) throw new Error(`Script function not found: ${name}`);
  };
  return google;
})(__ask, __facts);
delete globalThis.__ask;
delete globalThis.__facts;
