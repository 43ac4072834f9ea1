import Configuration
import SAGESnet

/// A model's configuration from the members of its JSON5 object.
///
/// - Parameter defaults: members that are added where their keys are not given.
public func modelConfiguration(
    _ members: String, defaults: KeyValuePairs<String, String> = [:]
) throws -> SAGESnetConfiguration {
    let added = defaults.filter { !members.contains("\($0.key):") }.map { "\($0.key): \($0.value)" }
    let text = (added + [members]).filter { !$0.isEmpty }.joined(separator: ", ")
    return try ConfigurationDocument(text: "{\(text)}", source: "the test").decode(SAGESnetConfiguration.self).value
}
