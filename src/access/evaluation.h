// One walk through restriction lists for one request: the flags that restrictions leave for each other, and the
// decision as it forms. Lives in the coroutine of one session.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/policy.h"
#include "access/restrictions.h"
#include "net/task.h"

namespace waypost::access {

class Evaluation {
 public:
  // All must outlive the evaluation.
  Evaluation(const Policy& policy, const Subject& subject, Decision& decision)
      : policy_(policy), subject_(subject), decision_(decision) {}

  // Left to right until one permits or refuses. `reply_name` is what a refusal puts into <>.
  net::Task<Verdict> run(List list, const std::vector<Restriction>& restrictions, std::string_view reply_name);

  // Permission that must wait: refuses when a defer_if_permit is open.
  Verdict force_deferral();
  // As if the walk had been at this deferral already.
  void begin(const std::optional<Deferral>& defer_if_permit);
  const std::optional<Deferral>& defer_if_permit() const { return defer_if_permit_; }

  // What restrictions are made of.
  const Subject& subject() const { return subject_; }
  const Policy& policy() const { return policy_; }
  const AccessSettings& settings() const;
  std::string_view reply_name() const { return reply_name_; }
  std::string_view reply_class() const;
  // Refuses, or notes what it would have refused under warn_if_reject.
  Verdict refuse(int code, std::string_view dsn, std::string text);
  // A lookup failed: 451 4.3.0. Never turned into a warning.
  Verdict lookup_failed(std::string_view name, const std::string& why);
  // The lists are wrong: 451 4.3.5. Never turned into a warning.
  Verdict misconfigured(std::string warning);
  Verdict defer_later_if_permit(Deferral deferral);
  Verdict defer_later_if_reject(Deferral deferral);
  // The recipient's route, looked up once a request.
  net::Task<Result<routing::Route>> recipient_route();
  // permit_tls_clientcerts: whether the certificate's, or its key's, fingerprint is in relay_clientcerts.
  net::Task<Verdict> permit_known_certificate();
  void warn(std::string text) { decision_.warnings.push_back(std::move(text)); }

 private:
  net::Task<Verdict> walk(const std::vector<Restriction>& restrictions, bool warn_only);
  net::Task<Verdict> apply(const Restriction& restriction);
  Verdict take_assumed(const Restriction& restriction, Verdict verdict);
  Verdict conclude(int code, std::string_view dsn, std::string text);

  const Policy& policy_;
  const Subject& subject_;
  Decision& decision_;
  List list_ = List::client;
  std::string reply_name_;
  bool warn_only_ = false;
  std::optional<Deferral> defer_if_permit_, defer_if_reject_;
  std::optional<Result<routing::Route>> route_;
};

}  // namespace waypost::access
