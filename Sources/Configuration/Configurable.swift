/// A structure that a configuration section is read into.
///
/// The initializer names each key once, with meaning, default and range; reading, checking, the resolved
/// configuration and the explanation of every key all come from these calls:
///
///     struct ScheduleConfiguration: Configurable {
///         let warmUpSteps: Int
///         let decay: Decay
///
///         init(from section: ConfigurationSection) throws {
///             warmUpSteps = try section.value("warmUpSteps", default: 100, in: .atLeast(0),
///                                             "steps over which the learning rate rises from zero")
///             decay = try section.value("decay", default: .cosine, "how the learning rate falls afterwards")
///         }
///     }
///
/// Keys that no call has named are errors, reported after the whole configuration has been read.
public protocol Configurable {
    init(from section: ConfigurationSection) throws
}
