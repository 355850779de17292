using PipeForkAs.Fuzz.Driver;

namespace PipeForkAs.Fuzz.Targets;

/// <summary>All fuzz targets.</summary>
internal static class AllTargets
{
    public static IReadOnlyList<Target> List { get; } =
    [
        new RequestTarget(), new ArgumentsTarget(), new CommandTarget(), new SchemaTarget(),
        new MessageTarget(), new EndRecordTarget(), new ReplyTarget(),
        new ConfigurationTarget(), new PolicyTarget(), new ConsentTarget(),
    ];

    public static Target? Find(string name) => List.FirstOrDefault(target => target.Name == name);
}
