//! The bridge's storm of changes, with kills in it: people and SQL change, rename and delete the same rows, and nobody keeps apart
//! what one did from what another did. In the end both sides are equal and every row stands once.

use crate::bridge::rig::{Rig, SOON, Setup};
use crate::bridge::storm::Storm;
use crate::support::server::{Kind, shared};

async fn killed_in_a_storm(kind: Kind) {
    let setup = Setup { script: false, sweep_interval: "250ms", rows: 30, ..Setup::default() };
    let rig = Rig::open(shared(kind).await, "killed_storm", setup).await;
    let mut storm = Storm::over(&rig);
    for kill in 1..=10 {
        storm.blow(40).await;
        rig.kill9();
        storm.blow(10).await;
        rig.start().await;
        if kill % 5 == 0 {
            rig.until_equal(SOON).await;
        }
    }
}

#[tokio::test]
async fn killed_in_a_storm_on_mariadb() {
    killed_in_a_storm(Kind::MariaDb).await;
}

#[tokio::test]
async fn killed_in_a_storm_on_mysql() {
    killed_in_a_storm(Kind::MySql).await;
}
