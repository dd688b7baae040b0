// What the generator cannot read from a header: what template parameters stand for, and the few
// functions whose calls need a form of their own. A template that is not here fails the build.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace fuzz {

// By class or function: the choices, one of which is drawn for each call. Each says what its
// parameters stand for; a pack lists its types.
inline const std::map<std::string, std::vector<std::string>> kChoices = {
    {"simdgrad::ArrayRef", {"T = int64_t"}},
    {"simdgrad::ArrayRef::ArrayRef", {"N = 3"}},
    {"simdgrad::operator==", {"T = int64_t"}},
    {"simdgrad::Scalar::Scalar", {"T = bool", "T = int", "T = int64_t", "T = float", "T = double"}},
    {"simdgrad::Scalar::to", {"T = double", "T = float", "T = bool"}},
    {"simdgrad::Scalar::fits",
     {"T = uint8_t", "T = int8_t", "T = int16_t", "T = int", "T = int64_t", "T = float",
      "T = double", "T = bool"}},
    {"simdgrad::Tensor::data_ptr",
     {"T = float", "T = double", "T = int64_t", "T = int", "T = int16_t", "T = int8_t",
      "T = uint8_t", "T = bool"}},
    {"simdgrad::Tensor::const_data_ptr", {"T = float", "T = double", "T = int64_t"}},
    {"simdgrad::Tensor::mutable_data_ptr", {"T = float", "T = double", "T = int64_t"}},
    {"simdgrad::Tensor::item",
     {"T = float", "T = double", "T = int64_t", "T = int", "T = int16_t", "T = int8_t",
      "T = uint8_t", "T = bool"}},
    {"simdgrad::Tensor::register_hook", {"Hook = fuzz::Hook", "Hook = fuzz::SilentHook"}},
    {"simdgrad::TensorData::TensorData",
     {"T = bool", "T = int", "T = int64_t", "T = float", "T = double"}},
    {"simdgrad::IValue::IValue", {"T = bool", "T = int", "T = double"}},
    {"simdgrad::autograd::Function", {"T = fuzz::Product"}},
    {"simdgrad::autograd::Function::apply", {"Args = simdgrad::Tensor, simdgrad::Tensor"}},
    {"simdgrad::indexing::TensorIndex::TensorIndex", {"T = int64_t", "T = bool", "T = int"}},
    {"simdgrad::OrderedDict", {"Key = std::string; Value = simdgrad::Tensor"}},
    {"simdgrad::nn::Module::as",
     {"T = simdgrad::nn::Linear", "T = simdgrad::nn::LinearImpl", "T = simdgrad::nn::Module"}},
    {"simdgrad::nn::Module::register_module",
     {"T = simdgrad::nn::Module; Holder = simdgrad::nn::Linear",
      "T = simdgrad::nn::LinearImpl; Holder = simdgrad::nn::Sequential"}},
    {"simdgrad::nn::Module::replace_module", {"T = simdgrad::nn::Module"}},
    {"simdgrad::nn::Cloneable",
     {"Derived = simdgrad::nn::LinearImpl", "Derived = simdgrad::nn::EmbeddingImpl",
      "Derived = simdgrad::nn::LayerNormImpl"}},
    {"simdgrad::nn::ModuleHolder", {"ContainedModule = simdgrad::nn::SequentialImpl"}},
    {"simdgrad::nn::ModuleHolder::ModuleHolder",
     {"Head = simdgrad::nn::Linear; Tail = simdgrad::nn::ReLU"}},
    {"simdgrad::nn::ModuleHolder::operator()", {"Args = simdgrad::Tensor"}},
    {"simdgrad::nn::ModuleHolder::operator[]", {"Arg = size_t"}},
    {"simdgrad::nn::operator<<", {"ContainedModule = simdgrad::nn::LinearImpl"}},
    {"simdgrad::save", {"T = simdgrad::nn::LinearImpl"}},
    {"simdgrad::load", {"T = simdgrad::nn::LinearImpl"}},
    {"simdgrad::nn::AnyModule::AnyModule",
     {"T = simdgrad::nn::LinearImpl", "T = simdgrad::nn::EmbeddingImpl"}},
    {"simdgrad::nn::AnyModule::forward",
     {"Inputs = simdgrad::Tensor", "Inputs = simdgrad::Tensor, simdgrad::Tensor"}},
    {"simdgrad::nn::AnyModule::get",
     {"T = simdgrad::nn::LinearImpl", "T = simdgrad::nn::ReLUImpl"}},
    {"simdgrad::nn::NamedAnyModule::NamedAnyModule", {"T = simdgrad::nn::Linear"}},
    {"simdgrad::nn::FunctionalImpl::FunctionalImpl",
     {"SomeFunction = fuzz::PlainFunction; Args = double"}},
    {"simdgrad::nn::SequentialImpl::SequentialImpl",
     {"Modules = simdgrad::nn::Linear, simdgrad::nn::ReLU"}},
    {"simdgrad::nn::SequentialImpl::forward",
     {"Inputs = simdgrad::Tensor", "Inputs = simdgrad::Tensor, simdgrad::Tensor"}},
    {"simdgrad::nn::SequentialImpl::push_back",
     {"T = simdgrad::nn::Linear", "T = simdgrad::nn::LayerNorm"}},
    {"simdgrad::nn::SequentialImpl::extend", {"Container = std::vector<simdgrad::nn::AnyModule>"}},
    {"simdgrad::nn::SequentialImpl::at",
     {"T = simdgrad::nn::LinearImpl", "T = simdgrad::nn::ReLUImpl"}},
    {"simdgrad::optim::CloneableAs",
     {"Derived = simdgrad::optim::SGDOptions; Base = simdgrad::optim::OptimizerOptions",
      "Derived = simdgrad::optim::AdamParamState; Base = simdgrad::optim::OptimizerParamState"}},
    {"simdgrad::optim::Optimizer::state_of", {"Make = fuzz::MakeState"}},
    {"simdgrad::parallel_for", {"Body = fuzz::ParallelBody"}},
};

// By signature: the whole body of the call, where arguments depend on each other by contract.
inline const std::map<std::string, std::string> kForms = {
    // A raw count changes hands.
    {"Tensor::adopt(detail::Counted*)",
     "auto& x = c.argument<simdgrad::Tensor>(\"impl\"); c.ready();"
     " c.keep(simdgrad::Tensor::adopt(simdgrad::Tensor(x).surrender()));"},
    {"Tensor::surrender()",
     "auto& x = c.argument<simdgrad::Tensor>(\"self\"); c.ready();"
     " c.keep(simdgrad::Tensor::adopt(simdgrad::Tensor(x).surrender()));"},
    {"NodePtr::adopt(Node*)",
     "auto& x = c.argument<simdgrad::NodePtr>(\"node\"); c.ready();"
     " c.keep(simdgrad::NodePtr::adopt(simdgrad::NodePtr(x).release()));"},
    {"NodePtr::release()",
     "auto& x = c.argument<simdgrad::NodePtr>(\"self\"); c.ready();"
     " c.keep(simdgrad::NodePtr::adopt(simdgrad::NodePtr(x).release()));"},
    {"Node::operator new(size_t)",
     "auto& bytes = c.argument<size_t>(\"bytes\"); c.ready();"
     " simdgrad::Node::operator delete(simdgrad::Node::operator new(bytes), bytes); c.keep();"},
    {"Node::operator delete(void*, size_t)",
     "auto& bytes = c.argument<size_t>(\"bytes\"); c.ready();"
     " simdgrad::Node::operator delete(simdgrad::Node::operator new(bytes), bytes); c.keep();"},
};

// Functions that are never called, by signature, and why. Aim: none.
inline const std::map<std::string, std::string> kUncalled = {};

}  // namespace fuzz
