//! Secrets: where they may stand, and that they show nowhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret;

use super::{Folder, KEY, SMALL, set_mode, small_with};

#[test]
fn a_secret_that_everybody_may_read_is_refused_with_the_command_that_mends_it() {
    let folder = Folder::new();
    set_mode(&folder.path("google.json"), 0o644);
    let complaints = folder.load(SMALL).expect_err("everybody may read the key");
    let chmod = format!("type: chmod o= {}", folder.path("google.json").display());
    assert_eq!(complaints.0.len(), 1, "{complaints}");
    assert_eq!((complaints.0[0].path.as_str(), complaints.0[0].cure.as_str()), ("google.key_file", &*chmod));
    // the daemon's group may
    set_mode(&folder.path("google.json"), 0o640);
    folder.load(SMALL).unwrap();
}

#[test]
fn credentials_come_from_systemds_folder_and_from_nowhere_else() {
    let text = SMALL.replace("key_file", "key_credential");
    let outside = Folder::new();
    assert!(outside.wrong(&text)[0].contains("outside of systemd"));

    let mut folder = Folder::new();
    folder.surroundings.credentials = Some(folder.path(""));
    // systemd's own modes are its business
    set_mode(&folder.path("google.json"), 0o444);
    let settings = folder.load(&text).unwrap();
    assert_eq!(settings.google.keys[0].expose_secret(), KEY);
    for name in ["../google.json", "", ".."] {
        let wrong = folder.wrong(&text.replace("google.json", name));
        assert!(wrong[0].contains("is no credential's name"), "{wrong:?}");
    }
    let both = text.replace("[google]", "[google]\nkey_file = \"google.json\"");
    assert_eq!(folder.wrong(&both), ["google.key: has a file and a credential"]);
}

#[test]
fn a_key_that_is_no_service_accounts_is_refused() {
    for content in ["", "not JSON", "{}", &KEY.replace("service_account", "authorized_user")] {
        let folder = Folder::new();
        folder.secret("google.json", content);
        let wrong = folder.wrong(SMALL);
        assert!(wrong[0].starts_with("google.key_file: "), "{wrong:?}");
        assert!(!wrong.join(" ").contains("planted"), "{wrong:?}");
    }
}

#[test]
fn a_script_has_at_most_two_secrets_of_the_right_form() {
    let folder = Folder::new();
    let two = r#"secret_files = ["orders.secret", "orders.secret"]"#;
    assert_eq!(folder.load(&small_with(two)).unwrap().links[0].secrets.len(), 2);
    let three = r#"secret_files = ["orders.secret", "orders.secret", "orders.secret"]"#;
    assert_eq!(folder.wrong(&small_with(three)), ["link[orders].secret_files: 3 secrets are too many"]);
    for bad in
        ["whsec_", "whsec_!!!", &STANDARD.encode([7; 32]), &format!("whsec_{}", STANDARD.encode([7; 8]))]
    {
        folder.secret("orders.secret", bad);
        let wrong = folder.wrong(&small_with(r#"secret_files = ["orders.secret"]"#));
        assert!(wrong[0].starts_with("link[orders].secret_files: "), "{wrong:?}");
    }
}

#[test]
fn planted_secrets_show_in_no_settings_and_no_complaint() {
    let planted = STANDARD.encode(b"planted secret of this very test");
    let folder = Folder::new();
    folder.secret("orders.secret", &format!("whsec_{planted}\n"));
    folder.secret("mysql.password", "plantedpassword\n");
    let text = format!(
        "[mysql]\npassword_file = \"mysql.password\"\n{}",
        small_with(r#"secret_files = ["orders.secret"]"#)
    );
    // given settings that hold them all
    let settings = folder.load(&text).unwrap();
    assert_eq!(settings.mysql.password.as_ref().map(ExposeSecret::expose_secret), Some("plantedpassword"));
    assert_eq!(settings.links[0].secrets[0].expose_secret(), format!("whsec_{planted}"));
    // then their Debug is silent
    let shown = format!("{settings:?} {settings:#?}");
    for secret in [&planted, "plantedpassword", "plantedkey"] {
        assert!(!shown.contains(secret), "{secret} shows");
    }

    // and so are complaints about a password that somebody wrote into the file
    for slip in ["password = \"hunter2\"", "password = hunter2", "password = \"hunter2"] {
        let complaints = folder.load(&format!("[mysql]\n{slip}\n{SMALL}")).expect_err(slip);
        assert!(!complaints.to_string().contains("hunter2"), "{complaints}");
    }
}
