#include "tables/defined_table.h"

#include <utility>

#include "config/table_parameters.h"

namespace waypost::tables {

std::shared_ptr<const Table> make_defined_table(
    const TableSource& source, const std::function<Result<>(TableDefinition& definition, RemoteSpec& spec)>& read) {
  const auto unavailable = [&](std::string reason) {
    return std::make_shared<UnavailableTable>(source.name(), std::move(reason), source.log);
  };
  auto definition = TableDefinition::read(source, config::table_parameters(source.type));
  if (!definition) return unavailable(definition.error().text);
  RemoteSpec spec;
  spec.name = source.name();
  spec.fold = source.fold;
  spec.connections = source.settings.connection_limit;
  spec.domains = MatchList(source.argument + " domain", definition->text("domain"), source);
  for (const auto& problem : spec.domains.problems()) definition->warn(problem);
  const auto filled = read(*definition, spec);
  for (const auto& warning : definition->warnings()) source.log.warning("{}", warning);
  if (!definition->problem().empty()) return unavailable(definition->problem());
  if (!filled) return unavailable(filled.error().text);
  return std::make_shared<RemoteTable>(std::move(spec), source.workers, source.log);
}

}  // namespace waypost::tables
