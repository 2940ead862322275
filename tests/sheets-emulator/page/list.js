// The first page: every spreadsheet; straight on if there is just one.
import { spreadsheets } from './google.js';

const all = await spreadsheets();
if (all.length === 1) location.replace(`/spreadsheets/${encodeURIComponent(all[0].id)}${location.search}`);
const list = document.getElementById('spreadsheets');
for (const one of all) {
  const link = document.createElement('a');
  link.href = `/spreadsheets/${encodeURIComponent(one.id)}${location.search}`;
  link.textContent = one.title;
  const id = document.createElement('small');
  id.textContent = one.id;
  link.append(id);
  list.append(link);
}
if (all.length === 0) list.textContent = 'There is no spreadsheet yet.';
