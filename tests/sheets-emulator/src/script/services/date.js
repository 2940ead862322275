// Date as Apps Script has it: local time is the script's zone (its manifest), whatever the spreadsheet's zone is.
(function (google) {
  const zone = google.facts.scriptZone;
  const UtcDate = Date;
  const now = () => UtcDate.now() + google.facts.clockAheadMs;
  const offsetAt = (ms) => google.host('utilities', { call: 'offset', zone, ms });
  const shifted = (date) => new UtcDate(date.getTime() + offsetAt(date.getTime()));

  class ScriptDate extends UtcDate {
    constructor(...parts) {
      if (parts.length === 0) super(now());
      else if (parts.length === 1) super(parts[0]);
      else {
        const wall = UtcDate.UTC(...parts);
        super(wall - offsetAt(wall - offsetAt(wall)));
      }
    }
    static now() { return now(); }
    getTimezoneOffset() { return -offsetAt(this.getTime()) / 60000; }
    toString() {
      if (Number.isNaN(this.getTime())) return 'Invalid Date';
      return google.host('utilities', { call: 'formatDate', ms: this.getTime(), zone, pattern: "EEE MMM dd yyyy HH:mm:ss 'GMT'Z (z)" });
    }
  }
  for (const part of ['FullYear', 'Month', 'Date', 'Day', 'Hours', 'Minutes', 'Seconds', 'Milliseconds']) {
    ScriptDate.prototype[`get${part}`] = function () { return shifted(this)[`getUTC${part}`](); };
  }
  Object.defineProperty(ScriptDate, 'name', { value: 'Date' });
  globalThis.Date = ScriptDate;
})(__google);
