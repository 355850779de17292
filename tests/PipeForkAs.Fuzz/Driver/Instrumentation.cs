using SharpFuzz;

namespace PipeForkAs.Fuzz.Driver;

/// <summary>Makes assemblies count the branches that they take.</summary>
internal static class Instrumentation
{
    /// <summary>The assemblies of the product.</summary>
    private static readonly string[] Products =
        ["PipeForkAs.Protocol.dll", "PipeForkAs.Client.dll", "PipeForkAs.Jobs.dll", "pipeforkasd.dll"];

    /// <summary>Instruments the product's assemblies in a folder, which must be a copy.</summary>
    /// <returns>The number of types with counted branches.</returns>
    public static int Of(string folder)
    {
        string here = Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory);
        if (Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)) == here)
            throw new InvalidOperationException($"{folder} is the folder of this program; instrument a copy of it");
        return Products.Sum(name => Fuzzer.Instrument(Path.Combine(folder, name), _ => true, SharpFuzz.Options.Value).Count());
    }
}
