// PropertiesService, CacheService and LockService. Every call goes out: another execution may be at work beside this one.
(function (google) {
  const properties = (store) => {
    const ask = (call, more) => google.host('properties', { call, store, ...more });
    const self = {
      getProperty: (key) => ask('get', { key }),
      getProperties: () => ask('all'),
      getKeys: () => Object.keys(ask('all')),
      setProperty(key, value) {
        ask('set', { entries: { [key]: String(value) }, replace: false });
        return self;
      },
      setProperties(entries, deleteAllOthers = false) {
        const texts = Object.fromEntries(Object.entries(entries).map(([key, value]) => [key, String(value)]));
        ask('set', { entries: texts, replace: deleteAllOthers });
        return self;
      },
      deleteProperty(key) {
        ask('delete', { key });
        return self;
      },
      deleteAllProperties() {
        ask('set', { entries: {}, replace: true });
        return self;
      },
    };
    return self;
  };
  globalThis.PropertiesService = {
    getDocumentProperties: () => properties('document'),
    getScriptProperties: () => properties('script'),
    getUserProperties: () => properties('user'),
  };

  const cache = (store) => {
    const ask = (call, more) => google.host('cache', { call, store, ...more });
    return {
      get: (key) => ask('get', { key }),
      put: (key, value, seconds = 600) => { ask('put', { key, value: String(value), seconds }); },
      remove: (key) => { ask('remove', { key }); },
    };
  };
  globalThis.CacheService = {
    getDocumentCache: () => cache('document'),
    getScriptCache: () => cache('script'),
    getUserCache: () => cache('user'),
  };

  const lock = (name) => {
    const ask = (call, more) => google.host('lock', { call, name, ...more });
    return {
      tryLock: (ms) => ask('take', { ms }),
      waitLock(ms) {
        if (!ask('take', { ms })) throw new Error('Lock timeout: another process was holding the lock for too long.');
      },
      hasLock: () => ask('has'),
      releaseLock: () => { ask('release'); },
    };
  };
  globalThis.LockService = {
    getDocumentLock: () => lock('document'),
    getScriptLock: () => lock('script'),
    getUserLock: () => lock('user'),
  };
})(__google);
