//! A headless Chromium, driven by `WebDriver` (`chromedriver` and `chromium` of Debian's packages).

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value as Json, json};

const PATIENCE_MS: u32 = 25_000;
/// How `WebDriver` names an element's reference.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with one window. It ends with its driver when dropped.
pub(super) struct Browser {
    driver: Child,
    session: String,
    client: reqwest::Client,
}

impl Browser {
    pub(super) async fn start() -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .spawn()
            .expect("chromedriver starts (apt-get install chromium chromium-driver)");
        let mut lines = BufReader::new(driver.stdout.take().expect("is piped")).lines();
        let port = lines.find_map(|line| {
            let line = line.expect("a line");
            line.strip_prefix("ChromeDriver was started successfully on port ")
                .map(|port| port.trim_end_matches('.').to_owned())
        });
        let base = format!("http://127.0.0.1:{}/session", port.expect("chromedriver names its port"));
        let arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1360,820"];
        let wanted =
            json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": { "args": arguments } } } });
        let mut browser = Self { driver, session: base, client: reqwest::Client::new() };
        let session = browser.call("", wanted).await;
        let id = session["sessionId"].as_str().expect("a session");
        browser.session = format!("{}/{id}", browser.session);
        browser
    }

    async fn call(&self, path: &str, body: Json) -> Json {
        let request = self.client.post(format!("{}{path}", self.session)).json(&body);
        let answer: Json = request.send().await.expect("the driver answers").json().await.expect("JSON");
        let value = answer["value"].clone();
        assert!(value.get("error").is_none(), "{path}: {value}");
        value
    }

    pub(super) async fn open(&self, url: &str) {
        self.call("/url", json!({ "url": url })).await;
    }

    /// Runs a script in the page; a promise is waited for.
    pub(super) async fn run(&self, script: &str) -> Json {
        self.call("/execute/sync", json!({ "script": script, "args": [] })).await
    }

    /// Milliseconds of processor that the page's main thread has used for tasks so far, whatever else the machine does.
    pub(super) async fn processor_ms(&self) -> f64 {
        let ask = async |cmd: &str, params: Json| {
            self.call("/goog/cdp/execute", json!({ "cmd": cmd, "params": params })).await
        };
        ask("Performance.enable", json!({ "timeDomain": "threadTicks" })).await;
        let answer = ask("Performance.getMetrics", json!({})).await;
        let metrics = answer["metrics"].as_array().expect("metrics");
        let tasks = metrics.iter().find(|metric| metric["name"] == "TaskDuration").expect("one of them");
        tasks["value"].as_f64().expect("seconds") * 1000.0
    }

    async fn element(&self, selector: &str) -> String {
        self.until(&format!("document.querySelector({}) !== null", json!(selector))).await;
        let found = self.call("/element", json!({ "using": "css selector", "value": selector })).await;
        found[ELEMENT].as_str().expect("an element").to_owned()
    }

    pub(super) async fn click(&self, selector: &str) {
        let element = self.element(selector).await;
        self.call(&format!("/element/{element}/click"), json!({})).await;
    }

    /// Presses keys over the grid; `\u{e007}` is Enter.
    pub(super) async fn press(&self, keys: &str) {
        let grid = self.element("#viewport").await;
        self.call(&format!("/element/{grid}/value"), json!({ "text": keys })).await;
    }

    pub(super) async fn text(&self, cell: &str) -> String {
        let text =
            self.run(&format!("return document.querySelector('[data-cell=\"{cell}\"]')?.textContent")).await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until an expression is true in the page. The page itself looks, so that its work is not disturbed.
    pub(super) async fn until(&self, expression: &str) {
        let script = format!(
            "return new Promise((done) => {{
               const end = performance.now() + {PATIENCE_MS};
               const look = () => {{
                 if ({expression}) done(true);
                 else if (performance.now() > end) done(false);
                 else setTimeout(look, 20);
               }};
               look();
             }})"
        );
        assert_eq!(self.run(&script).await, json!(true), "never true: {expression}");
    }

    pub(super) async fn until_cell(&self, cell: &str, text: &str) {
        let shown = format!("document.querySelector('[data-cell=\"{cell}\"]')?.textContent");
        self.until(&format!("{shown} === {}", json!(text))).await;
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // A driver that is killed leaves its browser behind, so the session is ended first.
        let end = self.client.delete(&self.session).send();
        let _ = tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(end));
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
