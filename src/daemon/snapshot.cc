#include "daemon/snapshot.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.h"
#include "config/check.h"
#include "config/reader.h"
#include "daemon/listen_plan.h"
#include "daemon/log_target.h"
#include "daemon/name_chains.h"
#include "smtp_server/dovecot_auth.h"

namespace waypost::daemon {
namespace {

// Builds the parts in the order in which they need each other.
class Builder {
 public:
  Builder(std::shared_ptr<const config::Configuration> configuration, const Log& log, const Clock& clock,
          const Snapshot* previous, config::Findings& findings)
      : log_(log), previous_(previous), findings_(findings), out_(std::make_shared<Snapshot>()) {
    out_->configuration = std::move(configuration);
    const auto view = out_->configuration->view();
    config::Reader reader(view, findings_);
    out_->tables = std::make_shared<tables::TableRegistry>(log, clock, true, read_tables(out_->configuration, reader),
                                                           previous != nullptr ? previous->tables->workers() : nullptr);
    out_->table_stamps = table_stamps(*out_->configuration);  // before they are read
  }

  std::shared_ptr<const Snapshot> build() {
    build_common();
    for (const auto& plan : plan_listeners(*out_->configuration, findings_)) add_smtpd(plan);
    for (const auto& service : out_->configuration->master.services()) add_transport(service);
    note_tables();
    return out_;
  }

 private:
  void build_common() {
    const auto& configuration = *out_->configuration;
    const auto view = configuration.view();
    config::Reader reader(view, findings_);
    out_->paths = read_paths(reader);
    check_identity(reader);
    build_router();
    build_intake();
    with_internal("qmgr", [&](config::Reader& qmgr) {
      out_->queue = std::make_shared<const queue::Settings>(read_queue(configuration, qmgr));
    });
    with_internal("bounce", [&](config::Reader& bounce) {
      out_->report = std::make_shared<const report::Settings>(read_report(bounce));
    });
    with_internal("anvil", [&](config::Reader& anvil) {
      rate_time_unit_ = anvil.duration("anvil_rate_time_unit", std::chrono::seconds(1));
    });
    out_->resolver = read_resolver(reader);
    out_->internal_addresses = reader.choice("info_log_address_format") == "internal";
    out_->users = std::make_shared<const UserLists>(
        UserLists{.submit = UserList("authorized_submit_users", reader.text("authorized_submit_users"), *out_->tables),
                  .flush = UserList("authorized_flush_users", reader.text("authorized_flush_users"), *out_->tables),
                  .list = UserList("authorized_mailq_users", reader.text("authorized_mailq_users"), *out_->tables)});
  }

  // What an internal service's -o settings say counts for the work that is done in its place.
  template <class Read>
  void with_internal(std::string_view service, Read read) {
    const auto view = out_->configuration->internal_view(service);
    config::Reader reader(view, findings_);
    read(reader);
  }

  void build_router() {
    const auto& configuration = *out_->configuration;
    with_internal("rewrite", [&](config::Reader& reader) {
      const auto domains = std::make_shared<const routing::Domains>(read_domains(configuration, reader), *out_->tables);
      out_->router = std::make_shared<const routing::Router>(read_router(configuration, reader, findings_), domains);
      const auto patterns = domains->problems();
      for (const auto& problem : patterns) add(reader, config::FindingCode::bad_pattern, problem);
      for (const auto& problem : out_->router->problems()) {  // those of the domains among them
        const bool said = std::ranges::find(patterns, problem) != patterns.end();
        if (!said) add(reader, config::FindingCode::bad_route, problem);
      }
    });
  }

  void build_intake() {
    intake::IntakeSettings intake;
    with_internal("cleanup", [&](config::Reader& reader) {
      intake = read_intake(reader);
      out_->long_queue_ids = reader.flag("enable_long_queue_ids");
      stray_cr_ = reader.flag("cleanup_replace_stray_cr_lf") ? smtp::StrayCr::to_space : smtp::StrayCr::keep;
    });
    with_internal("pickup", [&](config::Reader& reader) { intake.local_trace = read_trace(reader); });
    with_internal("bounce", [&](config::Reader& reader) { intake.internal_trace = read_trace(reader); });
    intake.router = out_->router;
    out_->intake = std::make_shared<const intake::IntakeSettings>(std::move(intake));
  }

  void add_smtpd(const ListenPlan& plan) {
    const auto view = out_->configuration->view(plan.service);
    config::Reader reader(view, findings_);
    SmtpdPlan smtpd;
    smtpd.key = plan.service->name;
    smtpd.service = plan.service;
    smtpd.endpoints = plan.endpoints;
    smtpd.settings = read_service(reader, *out_->tables);
    smtpd.settings.protocol.stray_cr = stray_cr_;
    smtpd.settings.name = plan.service->name;
    smtpd.settings.tag = log_name(view) + "/smtpd";
    add_policy(reader, smtpd);
    add_tls(reader, smtpd);
    if (smtpd.settings.protocol.auth_enable) smtpd.sasl = read_sasl_plan(reader);
    add_client_lists(reader, smtpd);
    smtpd.rate_time_unit = rate_time_unit_;
    smtpd.connection_limit = connection_limit(*plan.service, reader);
    smtpd.client_connection_limit =
        static_cast<std::size_t>(reader.number("smtpd_client_connection_count_limit", 0, 1'000'000));
    smtpd.peername_lookup = reader.flag("smtpd_peername_lookup");
    out_->smtpd.push_back(std::move(smtpd));
  }

  void add_client_lists(config::Reader& reader, SmtpdPlan& smtpd) {
    using List = smtp_server::ClientList;
    const auto add_list = [&](List list, std::string name, std::string_view text) {
      const bool parents = names_feature(reader, "parent_domain_matches_subdomains", name);
      tables::MatchList made(name, text, *out_->tables, {.parent_domains = parents});
      const auto origin = reader.view().origin(name);
      for (const auto& problem : made.problems()) {
        if (origin.line == 0) break;  // the default is $mynetworks, which tells it itself
        findings_.push_back(
            {config::Severity::warning, origin.file, origin.line, problem, config::FindingCode::bad_pattern});
      }
      smtpd.client_lists[static_cast<std::size_t>(list)] = std::move(made);
    };
    add_list(List::unlimited, "smtpd_client_event_limit_exceptions",
             reader.text("smtpd_client_event_limit_exceptions"));
    // Asked for every client: only where something is forbidden to be excluded from.
    if (smtpd.settings.protocol.bare_newline != smtp::BareNewline::no) {
      add_list(List::bare_newlines, "smtpd_forbid_bare_newline_exclusions",
               reader.text("smtpd_forbid_bare_newline_exclusions"));
    }
    add_list(List::xclient, "smtpd_authorized_xclient_hosts", reader.text("smtpd_authorized_xclient_hosts"));
    add_list(List::xforward, "smtpd_authorized_xforward_hosts", reader.text("smtpd_authorized_xforward_hosts"));
    if (reader.number("debug_peer_level", 1, 1000) > 0) {
      add_list(List::debug, "debug_peer_list", reader.text("debug_peer_list"));
    }
    if (smtpd.settings.protocol.auth_enable) {
      add_list(List::no_auth, "smtpd_sasl_exceptions_networks", reader.text("smtpd_sasl_exceptions_networks"));
    }
    smtpd.command_filter = tables::TableList(reader.text("smtpd_command_filter"), *out_->tables);
    smtpd.hidden_keywords = tables::TableList(reader.text("smtpd_discard_ehlo_keyword_address_maps"), *out_->tables);
  }

  // A process limit that somebody wrote down is meant; the default of 100 is about processes, which we have none of.
  static std::size_t connection_limit(const config::Service& service, config::Reader& reader) {
    if (const auto written = service.process_limit()) return static_cast<std::size_t>(*written);
    const auto* const name =
        reader.is_set("default_process_limit") ? "default_process_limit" : "waypost_connection_limit";
    return static_cast<std::size_t>(reader.number(name, 0, 10'000'000));
  }

  void add_policy(config::Reader& reader, SmtpdPlan& smtpd) {
    std::vector<access::Finding> findings;
    smtpd.policy = access::Policy::build(read_access(reader), *out_->tables, out_->router, findings);
    for (auto& finding : findings) {
      const auto* const kind = config::find_finding_kind(finding.code);
      const auto code = kind != nullptr ? kind->code : config::FindingCode::other;
      auto origin = reader.view().origin(finding.parameter);
      if (finding.severity != access::Finding::Severity::error) {
        findings_.push_back({config::Severity::warning, origin.file, origin.line, finding.text, code});
        continue;
      }
      smtpd.refusal = finding.text;
      if (origin.line == 0) origin = {smtpd.service->file, smtpd.service->line};
      smtpd.refusal_finding = {config::Severity::error, origin.file, origin.line,
                               fmt::format("service {}: {}", smtpd.key, finding.text), code};
    }
  }

  void add_tls(config::Reader& reader, SmtpdPlan& smtpd) {
    auto& protocol = smtpd.settings.protocol;
    if (protocol.tls == smtp::ServerTls::none && !protocol.tls_wrapper) return;
    const bool mandatory = protocol.tls == smtp::ServerTls::encrypt || protocol.tls_wrapper;
    auto settings = read_server_tls(reader, mandatory);
    const auto name_maps = reader.text("tls_server_sni_maps");
    if (!trim(name_maps).empty()) {
      tables::TableList maps(name_maps, *out_->tables);
      for (const auto& table : maps.tables()) {
        if (!table->immediate())
          reader.reject("tls_server_sni_maps", fmt::format("{} cannot be asked during a handshake", table->name()));
      }
      settings.server_names = [maps](const std::string& name) { return find_chain(maps, name); };
      settings.name_trouble = [log = log_.with(smtpd.settings.tag, log_.pid())](const std::string& text) {
        log.warning("{}", text);
      };
    }
    if (smtpd.settings.tls_require_certificate && !mandatory) {
      const auto origin = reader.view().origin("smtpd_tls_req_ccert");
      findings_.push_back(
          {config::Severity::warning, origin.file, origin.line, "Can't require client certs unless TLS is required"});
      smtpd.settings.tls_require_certificate = false;
    }
    const tls::ServerContext* before = nullptr;
    if (previous_ != nullptr) {
      const auto old =
          std::ranges::find_if(previous_->smtpd, [&](const SmtpdPlan& plan) { return plan.key == smtpd.key; });
      if (old != previous_->smtpd.end()) before = old->tls.get();
    }
    auto context = tls::ServerContext::create(settings, before);
    if (context) {
      smtpd.tls = std::move(*context);
    } else if (context.error().code == Errc::not_found && settings.certificates.empty()) {
      findings_.push_back(config::make_finding(config::FindingCode::no_certificate, smtpd.service->file,
                                               smtpd.service->line,
                                               fmt::format("service {}: {}", smtpd.key, context.error().text)));
      if (protocol.tls == smtp::ServerTls::may)
        protocol.tls = smtp::ServerTls::none;  // not offered; encrypt stays refused
    } else {
      reject_tls(reader, "smtpd_tls_protocols", "smtpd", context.error().text);
    }
  }

  SaslPlan read_sasl_plan(config::Reader& reader) {
    SaslPlan out;
    const auto type = to_lower(reader.text("smtpd_sasl_type"));
    out.security_options = reader.text("smtpd_sasl_security_options");
    out.tls_security_options = reader.text("smtpd_sasl_tls_security_options");
    out.local_domain = reader.text("smtpd_sasl_local_domain");
    out.service = reader.text("smtpd_sasl_service");
    out.mechanism_filter =
        tables::MatchList("smtpd_sasl_mechanism_filter", reader.text("smtpd_sasl_mechanism_filter"), *out_->tables);
    if (type == "dovecot") {
      auto server = smtp_server::dovecot_endpoint(reader.text("smtpd_sasl_path"), out_->paths.queue_directory);
      if (server) {
        out.type = SaslPlan::Type::dovecot;
        out.server = std::move(*server);
      } else {
        reader.reject("smtpd_sasl_path", server.error().text);
      }
    } else if (type == "waypost") {
      out.type = SaslPlan::Type::file;
      out.file = reader.text("waypost_sasl_password_file");
    } else {
      // Postfix cannot authenticate anybody without Cyrus' own configuration either, which is the usual state.
      const auto origin = reader.view().origin("smtpd_sasl_auth_enable");
      findings_.push_back(
          config::make_finding(config::FindingCode::no_sasl_backend, origin.file, origin.line,
                               fmt::format("smtpd_sasl_type = {} is not supported: clients cannot authenticate. "
                                           "Use dovecot, or waypost with `waypost sasl-user add`",
                                           type)));
    }
    return out;
  }

  void add_transport(const config::Service& service) {
    constexpr std::array<std::string_view, 6> kBuilt = {"smtp", "error", "discard", "local", "lmtp", "virtual"};
    if (service.type != "unix" || out_->configuration->master.is_replaced(service)) return;
    if (std::ranges::find(kBuilt, std::string_view(service.command)) == kBuilt.end() && service.command != "pipe")
      return;
    const auto view = out_->configuration->view(&service);
    config::Reader reader(view, findings_);
    Snapshot::Transport transport{service.command, fmt::format("{}/{}", log_name(view), service.command), nullptr};
    if (service.command == "smtp" || service.command == "lmtp") {
      auto client = read_client(*out_->configuration, reader, *out_->tables);
      client.stray_cr = stray_cr_;
      transport.client = std::make_shared<const smtp_client::ClientSettings>(std::move(client));
    }
    out_->transports.emplace(service.name, std::move(transport));
  }

  void note_tables() {
    const auto view = out_->configuration->view();
    config::Reader reader(view, findings_);
    const bool fatal = reader.flag("daemon_table_open_error_is_fatal");
    for (const auto& problem : out_->tables->problems()) {
      const auto origin =
          config::origin_of_word(*out_->configuration, problem.substr(0, problem.find(" is unavailable")));
      auto finding = config::make_finding(config::FindingCode::table_unavailable, origin.file, origin.line, problem);
      if (fatal) finding.severity = config::Severity::error;
      findings_.push_back(std::move(finding));
    }
  }

  // `text` begins with the name of a parameter, perhaps behind the word "parameter": its place is the finding's.
  void add(config::Reader& reader, config::FindingCode code, std::string text) {
    constexpr std::string_view kWord = "parameter ";
    std::string_view name = text;
    if (name.starts_with(kWord)) name.remove_prefix(kWord.size());
    const auto origin = reader.view().origin(name.substr(0, name.find(':')));
    findings_.push_back(config::make_finding(code, origin.file, origin.line, std::move(text)));
  }

  const Log& log_;
  const Snapshot* previous_;
  config::Findings& findings_;
  std::shared_ptr<Snapshot> out_;
  std::chrono::seconds rate_time_unit_{0};            // of anvil
  smtp::StrayCr stray_cr_ = smtp::StrayCr::to_space;  // of cleanup
};

}  // namespace

std::shared_ptr<const Snapshot> build_snapshot(std::shared_ptr<const config::Configuration> configuration,
                                               const Log& log, const Clock& clock, const Snapshot* previous,
                                               config::Findings& findings) {
  auto snapshot = Builder(std::move(configuration), log, clock, previous, findings).build();
  config::remove_repeated(findings);  // a mistake in main.cf is met once for every service that reads it
  return snapshot;
}

}  // namespace waypost::daemon
