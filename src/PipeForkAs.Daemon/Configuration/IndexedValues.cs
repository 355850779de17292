using Microsoft.Extensions.Configuration;

namespace PipeForkAs.Daemon.Configuration;

/// <summary>
/// Values of a configuration with an index of their sections. The providers of the framework search all keys for the children of each
/// section: with tens of thousands of keys that takes minutes.
/// </summary>
internal sealed class IndexedValues : ConfigurationProvider, IConfigurationSource
{
    private readonly Dictionary<string, List<string>> children = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Takes values; a later value of a key overrides an earlier one.</summary>
    public IndexedValues(IEnumerable<KeyValuePair<string, string?>> values)
    {
        var known = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach ((string key, string? value) in values)
        {
            Data[key] = value;
            for (int end = key.Length; end > 0 && known.Add(key[..end]);)
            {
                int start = key.LastIndexOf(':', end - 1);
                string parent = start < 0 ? "" : key[..start];
                if (!children.TryGetValue(parent, out List<string>? names))
                    children.Add(parent, names = []);
                names.Add(key[(start + 1)..end]);
                end = start;
            }
        }

        foreach (List<string> names in children.Values)
            names.Sort(ConfigurationKeyComparer.Instance);
    }

    /// <inheritdoc/>
    public override IEnumerable<string> GetChildKeys(IEnumerable<string> earlierKeys, string? parentPath) =>
        children.TryGetValue(parentPath ?? "", out List<string>? names) ? earlierKeys.Concat(names) : earlierKeys;

    /// <inheritdoc/>
    public IConfigurationProvider Build(IConfigurationBuilder builder) => this;
}
