using System.Reflection;

using PipeForkAs.Protocol;

namespace PipeForkAs.Client.Tests;

public sealed class PublicTypesTests
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    /// <summary>Shared with job authors, whose code declares what a job may access.</summary>
    private static readonly Type[] Shared = [typeof(Sandbox), typeof(SeccompProfile)];

    [Fact]
    public void One_namespace_contains_every_type_that_a_program_needs()
    {
        HashSet<Type> met = [];
        Queue<Type> next = new(typeof(PipeForkAsClient).Assembly.GetExportedTypes());
        while (next.TryDequeue(out Type? type))
        {
            if (!met.Add(type))
                continue;
            foreach (Type mentioned in MentionedBy(type).SelectMany(Parts).Where(IsOurs))
                next.Enqueue(mentioned);
        }

        Assert.Superset(
            new HashSet<Type> { typeof(IPipeForkAsClient), typeof(ReplyCode), typeof(JobError), typeof(LoopBucket) }, met);
        Assert.All(met.Append(typeof(RequestException)).Except(Shared), type => Assert.Equal("PipeForkAs.Client", type.Namespace));
    }

    [Fact]
    public void Each_asynchronous_method_has_a_parameter_named_cancellationToken()
    {
        MethodInfo[] methods = [.. typeof(PipeForkAsClient).Assembly.GetExportedTypes()
            .SelectMany(type => type.GetMethods(Declared))
            .Where(method => method.Name.EndsWith("Async", StringComparison.Ordinal))];

        Assert.NotEmpty(methods);
        Assert.All(methods, method =>
        {
            ParameterInfo last = method.GetParameters()[^1];
            Assert.Equal((typeof(CancellationToken), "cancellationToken", true), (last.ParameterType, last.Name, last.IsOptional));
        });
    }

    private static bool IsOurs(Type type) => type.Assembly.GetName().Name!.StartsWith("PipeForkAs", StringComparison.Ordinal);

    private static IEnumerable<Type> MentionedBy(Type type) => type
        .GetMembers(Declared)
        .SelectMany(member => member switch
        {
            MethodBase method => method.GetParameters().Select(parameter => parameter.ParameterType)
                .Concat(method is MethodInfo { ReturnType: var returned } ? [returned] : []),
            FieldInfo field => [field.FieldType],
            _ => [],
        })
        .Concat(type.BaseType is null ? [] : [type.BaseType]);

    private static IEnumerable<Type> Parts(Type type) =>
        type.IsGenericType ? type.GetGenericArguments().SelectMany(Parts).Append(type)
        : type.HasElementType ? Parts(type.GetElementType()!)
        : [type];
}
