using System.Collections;

namespace PipeForkAs.StockJobs;

/// <summary>The job <c>environment</c>: the variables as env(1) lists them, in order.</summary>
internal static class EnvironmentVariables
{
    public static string List()
    {
        IEnumerable<string> lines = Environment.GetEnvironmentVariables()
            .Cast<DictionaryEntry>()
            .Select(variable => $"{variable.Key}={variable.Value}\n")
            .Order(StringComparer.Ordinal);
        return string.Concat(lines);
    }
}
