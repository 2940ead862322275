//! A headless Chromium, driven as a person drives it, by the W3C WebDriver protocol through chromedriver.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::scratch::{Running, Scratch};

/// The key under which the protocol hands out elements (W3C WebDriver, section 12).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// How long the driver itself looks for an element before it says that there is none.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often the driver is started until it has a port.
const STARTS: u32 = 5;

/// Keys that are no characters (W3C WebDriver, section 17.4.2), to be put into what is typed.
pub(crate) mod key {
    pub(crate) const ENTER: &str = "\u{e007}";
    pub(crate) const TAB: &str = "\u{e004}";
    pub(crate) const ESCAPE: &str = "\u{e00c}";
    pub(crate) const DELETE: &str = "\u{e017}";
}

/// A browser with one window and a profile of its own. It ends when it is dropped. Every refusal fails the test.
pub(crate) struct Browser {
    client: Client,
    session: String,
    _driver: Running,
    _scratch: Scratch,
}

impl Browser {
    /// Opens an empty window, 1400 by 900 points.
    pub(crate) async fn open() -> Self {
        let scratch = Scratch::new("browser");
        let (driver, port) = driver(&scratch).await;
        let driver_url = format!("http://127.0.0.1:{port}");
        // The driver is on this machine, so no proxy of the environment may stand between.
        let client = Client::builder().no_proxy().build().expect("a plain client can be built");
        let profile = format!("--user-data-dir={}", scratch.path().join("profile").display());
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "timeouts": {"implicit": PATIENCE.as_millis() as u64},
            "goog:chromeOptions": {"args": [
                "--headless=new", "--window-size=1400,900", "--disable-dev-shm-usage",
                "--no-sandbox", // root, as in a container, has no other way
                "--remote-debugging-pipe", // the browser ends with its driver
                profile,
            ]},
        }}});
        let opened = call(&client, Method::POST, &format!("{driver_url}/session"), Some(wanted)).await;
        let id = opened["sessionId"].as_str().expect("a new session has an id");
        let session = format!("{driver_url}/session/{id}");
        Self { client, session, _driver: driver, _scratch: scratch }
    }

    /// Loads a page and waits until it is loaded.
    pub(crate) async fn goto(&self, url: &str) {
        self.post("/url", json!({"url": url})).await;
    }

    /// The first element that a CSS selector matches, waited for up to ten seconds.
    pub(crate) async fn find(&self, css: &str) -> Element<'_> {
        let found = self.post("/element", json!({"using": "css selector", "value": css})).await;
        let id = found[ELEMENT].as_str().expect("the driver hands out elements by its key");
        Element { browser: self, path: format!("/element/{id}") }
    }

    /// Runs the body of a JavaScript function in the page. `arguments` is there what it is here.
    pub(crate) async fn execute(&self, body: &str, arguments: Value) -> Value {
        self.post("/execute/sync", json!({"script": body, "args": arguments})).await
    }

    /// Types into whatever has the focus.
    pub(crate) async fn type_keys(&self, keys: &str) {
        let strokes: Vec<Value> = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|stroke| json!({"type": stroke, "value": key})))
            .collect();
        self.post("/actions", json!({"actions": [{"type": "key", "id": "keyboard", "actions": strokes}]}))
            .await;
    }

    /// Writes a picture of the window to a PNG file.
    pub(crate) async fn screenshot(&self, to: &Path) {
        let picture = call(&self.client, Method::GET, &format!("{}/screenshot", self.session), None).await;
        let picture = STANDARD.decode(picture.as_str().expect("a picture is text")).expect("it is base64");
        fs::write(to, picture).unwrap_or_else(|error| panic!("cannot write {}: {error}", to.display()));
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        call(&self.client, Method::POST, &format!("{}{path}", self.session), Some(body)).await
    }

    async fn get(&self, path: &str) -> Value {
        call(&self.client, Method::GET, &format!("{}{path}", self.session), None).await
    }
}

/// An element of the page that is shown.
pub(crate) struct Element<'a> {
    browser: &'a Browser,
    path: String,
}

impl Element<'_> {
    /// Scrolls it into view and clicks into its middle.
    pub(crate) async fn click(&self) {
        self.browser.post(&format!("{}/click", self.path), json!({})).await;
    }

    /// Clicks twice, as one does to edit a cell.
    pub(crate) async fn double_click(&self) {
        let id = self.path.strip_prefix("/element/").expect("paths are made by find");
        let press = json!({"type": "pointerDown", "button": 0});
        let lift = json!({"type": "pointerUp", "button": 0});
        let aim = json!({"type": "pointerMove", "x": 0, "y": 0, "origin": {ELEMENT: id}});
        let strokes = json!([aim, press, lift, press, lift]);
        let mouse = json!({"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": strokes});
        self.browser.post("/actions", json!({"actions": [mouse]})).await;
    }

    /// Types into it.
    pub(crate) async fn send_keys(&self, text: &str) {
        self.browser.post(&format!("{}/value", self.path), json!({"text": text})).await;
    }

    /// Empties a field.
    pub(crate) async fn clear(&self) {
        self.browser.post(&format!("{}/clear", self.path), json!({})).await;
    }

    /// The text that a person sees.
    pub(crate) async fn text(&self) -> String {
        let text = self.browser.get(&format!("{}/text", self.path)).await;
        text.as_str().unwrap_or_default().to_owned()
    }
}

/// Starts the driver, which chooses a free port and prints it. It wants the same port of both of its addresses, and ends where
/// somebody took it of the second meanwhile: then another one is started.
async fn driver(scratch: &Scratch) -> (Running, u16) {
    for _ in 0..STARTS {
        let mut driver = scratch.run(Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()));
        let output = driver.take_output().expect("the output is a pipe");
        let port = tokio::task::spawn_blocking(move || {
            let mut lines = BufReader::new(output).lines().map_while(Result::ok);
            lines
                .find_map(|line| line.strip_suffix('.')?.rsplit_once("successfully on port ")?.1.parse().ok())
        });
        if let Some(port) = port.await.expect("reading does not panic") {
            return (driver, port);
        }
    }
    panic!("chromedriver starts and says on which port, one time in {STARTS}");
}

/// One command. The protocol wraps every answer, and every error, in `value`.
async fn call(client: &Client, method: Method, url: &str, body: Option<Value>) -> Value {
    let mut request = client.request(method, url).timeout(PATIENCE * 3);
    if let Some(body) = &body {
        request = request.json(body);
    }
    let response = request.send().await.unwrap_or_else(|error| panic!("the driver does not answer: {error}"));
    let status = response.status();
    let mut answer: Value = response.json().await.expect("the driver answers in JSON");
    let value = answer["value"].take();
    assert!(
        status.is_success(),
        "the browser refuses {}: {} {}",
        body.unwrap_or_default(),
        value["error"],
        value["message"]
    );
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page with a list that grows by what is typed, after a moment, as a live page does.
    const PAGE: &str = "data:text/html,<meta charset=utf-8><h1>list</h1><form><input></form><ul></ul><p tabindex=0></p><script>\
        document.forms[0].onsubmit = e => { e.preventDefault(); const typed = document.querySelector('input').value; \
        setTimeout(() => { const li = document.createElement('li'); li.textContent = typed; document.querySelector('ul').append(li) }, 200) };\
        const p = document.querySelector('p'); p.ondblclick = () => p.textContent += 'twice '; \
        p.onkeydown = e => p.textContent += e.key;</script><style>p{height:50px}</style>";

    #[tokio::test]
    async fn what_is_typed_into_a_page_is_seen_on_it_and_in_its_picture() {
        let browser = Browser::open().await;
        browser.goto(PAGE).await;
        assert_eq!(browser.find("h1").await.text().await, "list");

        browser.find("input").await.send_keys("wrong").await;
        browser.find("input").await.clear().await;
        browser.find("input").await.send_keys(&format!("Zoë 7{}", key::ENTER)).await;
        assert_eq!(
            browser.find("li").await.text().await,
            "Zoë 7",
            "it comes after a moment, and is waited for"
        );

        let count =
            browser.execute("return document.querySelectorAll(arguments[0]).length", json!(["li"])).await;
        assert_eq!(count, json!(1));

        let cell = browser.find("p").await;
        cell.click().await;
        cell.double_click().await;
        browser.type_keys(&format!("ab{}{}{}", key::TAB, key::ESCAPE, key::DELETE)).await;
        assert_eq!(cell.text().await, "twice abTab", "after the tab the focus is elsewhere");

        let folder = tempfile::tempdir().unwrap();
        let picture = folder.path().join("page.png");
        browser.screenshot(&picture).await;
        let bytes = fs::read(&picture).unwrap();
        assert!(bytes.starts_with(b"\x89PNG"), "no picture: {} bytes", bytes.len());
    }

    #[tokio::test]
    #[should_panic(expected = "invalid selector")]
    async fn a_refusal_names_its_reason() {
        Browser::open().await.find("][").await;
    }
}
