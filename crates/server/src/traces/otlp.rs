//! [`Otlp`]: publishes of sampled traces as spans for a collector of OpenTelemetry, over OTLP/HTTP. The feature `otlp` has it.
//!
//! Nothing here is on the way of a publish: the front-end calls from a thread that does nothing else, and a collector that is away only
//! costs spans.

use std::{
    env,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use async_trait::async_trait;
use bytes::Bytes;
use fanfare_core::Target;
use fanfare_http::{TraceSink, Traced};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Request, Response};
use opentelemetry::{
    InstrumentationScope, KeyValue,
    trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState},
};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, RetryPolicy, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks},
};
use tokio::{
    runtime::{Builder, Runtime},
    time::timeout,
};
use tracing::warn;

use crate::access::{HttpsClient, https_client};

/// Time for one batch, and for its connection. What comes meanwhile waits, or is dropped and counted.
const EXPORT_TIME: Duration = Duration::from_secs(5);
/// Largest answer of a collector.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// Pause between two lines of the log about a collector that takes nothing.
const TELLING_PAUSE: Duration = Duration::from_secs(60);

/// A way to a collector.
#[derive(Debug)]
pub(super) struct Otlp {
    exporter: SpanExporter,
    /// Drives the connections to the collector.
    runtime: Own,
    scope: InstrumentationScope,
    trouble: Mutex<Trouble>,
}

/// A runtime that may be dropped anywhere, because nobody waits for its end.
#[derive(Debug)]
struct Own(Option<Runtime>);

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// What the log has yet to say.
#[derive(Debug, Default)]
struct Trouble {
    told: Option<Instant>,
    lost: usize,
}

impl Otlp {
    /// The way to the collector that the variables name, at `address`.
    ///
    /// # Errors
    /// A sentence: a variable is wrong, or the certificates that this system trusts cannot be read.
    pub(super) fn new(address: &str) -> Result<Self, String> {
        let speaks_tls = address.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
        let builder =
            SpanExporter::builder().with_http().with_http_client(Line(https_client(speaks_tls, EXPORT_TIME)?));
        let mut exporter = builder
            .with_protocol(Protocol::HttpBinary)
            .with_retry_policy(RetryPolicy::disabled())
            .build()
            .map_err(|error| error.to_string())?;
        exporter.set_resource(&resource());
        let scope = InstrumentationScope::builder("fanfare").with_version(env!("CARGO_PKG_VERSION")).build();
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
        Ok(Self { exporter, runtime: Own(Some(runtime)), scope, trouble: Mutex::default() })
    }

    fn spans(&self, traced: &Traced) -> Vec<SpanData> {
        let own = SpanId::from_bytes(rand::random());
        let parent = SpanId::from_bytes(traced.context.parent_id());
        let mut publish = self.span("publish", traced, own, parent, (traced.began, traced.answered));
        publish.parent_span_is_remote = true;
        publish.span_kind = SpanKind::Server;
        publish.attributes = attributes(traced);
        if traced.is_failed() {
            publish.attributes.push(KeyValue::new("error.type", traced.outcome));
            publish.status = Status::error(traced.outcome);
        }
        let child = |name, span| self.span(name, traced, SpanId::from_bytes(rand::random()), own, span);
        let journal = traced.offered.zip(traced.ordered).map(|span| child("journal", span));
        let fan_out = traced.ordered.zip(traced.fanned_out).map(|span| child("fan-out", span));
        [Some(publish), journal, fan_out].into_iter().flatten().collect()
    }

    fn span(
        &self,
        name: &'static str,
        traced: &Traced,
        id: SpanId,
        parent: SpanId,
        (start_time, end_time): (SystemTime, SystemTime),
    ) -> SpanData {
        let trace = TraceId::from_bytes(traced.context.trace_id().to_bytes());
        let flags = TraceFlags::new(traced.context.flags()) & TraceFlags::SAMPLED;
        SpanData {
            span_context: SpanContext::new(trace, id, flags, false, TraceState::NONE),
            parent_span_id: parent,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: name.into(),
            start_time,
            end_time,
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: self.scope.clone(),
        }
    }

    /// Says that spans are lost, at most once a minute.
    fn tell(&self, lost: usize, reason: &str) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.lost += lost;
        if trouble.told.is_none_or(|told| told.elapsed() >= TELLING_PAUSE) {
            warn!(publishes = trouble.lost, "the collector takes no spans: {reason}");
            *trouble = Trouble { told: Some(Instant::now()), lost: 0 };
        }
    }
}

impl TraceSink for Otlp {
    fn export(&self, batch: Vec<Traced>) -> usize {
        let spans = batch.iter().flat_map(|traced| self.spans(traced)).collect();
        // It is there until this is dropped.
        let Some(runtime) = &self.runtime.0 else { return batch.len() };
        let exported = runtime.block_on(async { timeout(EXPORT_TIME, self.exporter.export(spans)).await });
        let exported = exported
            .map_err(|_| "no answer in time".to_owned())
            .and_then(|done| done.map_err(|error| error.to_string()));
        match exported {
            Ok(()) => 0,
            Err(reason) => {
                self.tell(batch.len(), &reason);
                batch.len()
            }
        }
    }
}

/// What this server is, as the variables say. Its name is `fanfare` unless they name it.
fn resource() -> Resource {
    let is_named = env::var_os("OTEL_SERVICE_NAME").is_some()
        || env::var("OTEL_RESOURCE_ATTRIBUTES").is_ok_and(|all| all.contains("service.name="));
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let builder = Resource::builder().with_attribute(version);
    if is_named { builder.build() } else { builder.with_service_name("fanfare").build() }
}

fn attributes(traced: &Traced) -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new("messaging.system", "fanfare"),
        KeyValue::new("messaging.operation.name", "publish"),
        KeyValue::new("messaging.operation.type", "send"),
        KeyValue::new("fanfare.outcome", traced.outcome),
    ];
    let kind = traced.target.as_ref().map(|target| match target {
        Target::All => "all",
        Target::Channel(_) => "channel",
        Target::Client(_) => "client",
    });
    attributes.extend(kind.map(|kind| KeyValue::new("fanfare.target", kind)));
    // The name of a client may be that of a person.
    if let Some(Target::Channel(channel)) = &traced.target {
        attributes.push(KeyValue::new("messaging.destination.name", channel.to_string()));
    }
    attributes.extend(traced.event.map(|event| KeyValue::new("messaging.message.id", event.to_string())));
    let matched = traced.matched.and_then(|matched| i64::try_from(matched).ok());
    attributes.extend(matched.map(|matched| KeyValue::new("fanfare.matched", matched)));
    attributes
}

/// The connections to the collector.
#[derive(Debug)]
struct Line(HttpsClient);

#[async_trait]
impl HttpClient for Line {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let again = request.clone();
        let answer = match self.0.request(request.map(Full::new)).await {
            // A collector closes connections that were idle for a while, and nobody here looks between two batches. Spans that come
            // twice have the same ids.
            Err(error) if !error.is_connect() => self.0.request(again.map(Full::new)).await,
            answer => answer,
        };
        let (head, body) = answer?.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await?.to_bytes();
        Ok(Response::from_parts(head, body))
    }
}
