// ScriptApp's installable triggers, Session, and the event objects that triggers hand to a script.
(function (google) {
  const ask = (call, more) => google.host('triggers', { call, ...more });
  const named = (names) => Object.fromEntries(names.map((name) => [name, Object.freeze({ toString: () => name, toJSON: () => name })]));
  const EventType = named(['ON_EDIT', 'ON_CHANGE', 'CLOCK']);
  const AuthMode = named(['NONE', 'LIMITED', 'FULL']);
  const ChangeType = named(['EDIT', 'INSERT_ROW', 'INSERT_COLUMN', 'REMOVE_ROW', 'REMOVE_COLUMN', 'INSERT_GRID', 'REMOVE_GRID', 'FORMAT', 'OTHER']);

  const trigger = (facts) => ({
    getUniqueId: () => facts.id,
    getHandlerFunction: () => facts.function,
    getEventType: () => EventType[{ edit: 'ON_EDIT', change: 'ON_CHANGE', clock: 'CLOCK' }[facts.kind]],
    getTriggerSourceId: () => (facts.kind === 'clock' ? '' : google.facts.spreadsheetId),
  });
  const builder = (run, kind, minutes) => ({ create: () => trigger(ask('create', { function: run, kind, minutes })) });
  const MINUTES = [1, 5, 10, 15, 30];

  globalThis.ScriptApp = {
    EventType,
    AuthMode,
    newTrigger: (run) => ({
      forSpreadsheet(which) {
        const id = typeof which === 'string' ? which : which.getId();
        if (id !== google.facts.spreadsheetId) throw new Error('You do not have permission to access the requested document.');
        return { onEdit: () => builder(run, 'edit', 0), onChange: () => builder(run, 'change', 0) };
      },
      timeBased: () => ({
        everyMinutes(n) {
          if (!MINUTES.includes(n)) throw new Error(`The value you passed to everyMinutes was invalid. It must be one of ${MINUTES.join(', ')}.`);
          return builder(run, 'clock', n);
        },
        everyHours: (n) => builder(run, 'clock', n * 60),
      }),
    }),
    getProjectTriggers: () => ask('list').map(trigger),
    deleteTrigger: (which) => { ask('delete', { id: which.getUniqueId() }); },
  };

  globalThis.Session = {
    getActiveUser: () => new google.User(google.facts.activeUser),
    getEffectiveUser: () => new google.User(google.facts.owner),
    getScriptTimeZone: () => google.facts.scriptZone,
    getActiveUserLocale: () => 'en',
  };

  // From the plain facts of an event to the object that a handler gets. `range` is live: the position, not the moved cell.
  google.event = (facts) => {
    const event = { authMode: AuthMode[facts.authMode] };
    if (facts.kind === 'clock') return { ...event, triggerUid: facts.triggerUid, ...facts.clock };
    event.source = google.spreadsheet();
    if (facts.user !== undefined) event.user = new google.User(facts.user);
    if (facts.triggerUid) event.triggerUid = facts.triggerUid;
    if (facts.area) event.range = google.range(facts.sheet, facts.area);
    if (facts.value !== undefined) event.value = facts.value;
    if (facts.oldValue !== undefined) event.oldValue = facts.oldValue;
    if (facts.changeType) event.changeType = ChangeType[facts.changeType];
    return event;
  };
})(__google);
