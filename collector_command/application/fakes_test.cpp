// The store in memory that stands for an adapter in this room's tests, through the port's contract suite.
#include "collector_command/application/fake_collector_repo.hpp"
#include "collector_command/application/port_collector_repo_contract.hpp"

namespace collector_command::application::contract {
namespace {

class MemoryFixture final : public RepoFixture {
public:
    CollectorRepo& repo() override { return repo_; }
    void begin() override { repo_.begin(); }
    void commit() override {}
    void roll_back() override { EXPECT_TRUE(repo_.rolled_back()); }
    void reopen() override {}
    std::vector<std::uint64_t> published_versions() override {
        std::vector<std::uint64_t> versions;
        for (const auto& event : repo_.events) versions.push_back(std::visit([](const auto& one) { return one.version; }, event));
        return versions;
    }

private:
    MemoryCollectorRepo repo_;
};

const MakeFixture make_memory = [] { return std::make_unique<MemoryFixture>(); };
INSTANTIATE_TEST_SUITE_P(memory, CollectorRepoContract, testing::Values(std::pair{std::string("memory"), make_memory}));

}  // namespace
}  // namespace collector_command::application::contract
