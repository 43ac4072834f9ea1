import Configuration
import SAGESnet

/// A model's configuration from the members of its JSON5 object.
public func modelConfiguration(_ members: String) throws -> SAGESnetConfiguration {
    try ConfigurationDocument(text: "{\(members)}", source: "the test").decode(SAGESnetConfiguration.self).value
}
